"""From declared resources to the leaf resources providers understand: expansion, claims, the graph. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from ipaddress import ip_address
from itertools import combinations
from typing import Any, TypeVar

from msgspec import Struct

from conduit.errors import Code, ConduitError, Diagnostic, LoadError
from conduit.graph import Edges, edges, find_cycle
from conduit.kind import Kind
from conduit.look import Files, Look, Written
from conduit.model import Claim, Key, Source
from conduit.settings import Settings
from conduit.spec import Resource, Spec
from conduit.upstreams import Resolve, Rules

DUPLICATE = Code(
    "CND-0303",
    "two resources of one name",
    "Two declarations lead to the same resource, for example a dns_record that has the name of one a service brings "
    "along. Each resource has exactly one place where it is declared; rename one of them.",
)
CLASH = Code(
    "CND-0304",
    "two resources claim the same thing",
    "A host name and path, a DNS name and type, or a listener can belong to one resource only; otherwise which one "
    "answers would be an accident. Both places are named: change or remove one of them.",
)
NO_TARGET = Code(
    "CND-0305",
    "no such daemon in conduit.yaml",
    "A resource needs a daemon that conduit.yaml does not name. conduit observes and changes exactly the daemons it is "
    "told about. Add the section of that daemon to conduit.yaml, or remove the resource or the field that needs it.",
)

T = TypeVar("T")

MAX_DEPTH = 8
"""Composites may expand into composites, but not endlessly."""


class Desired(Struct, frozen=True):
    """The whole wish: declared roots, leaves, which leaves a root stands for, and what each leaf depends on.

    `doubts` are the leaves of which nobody knows now what they should be, and why.
    """

    roots: Mapping[Key, Resource[Any]]
    leaves: Mapping[Key, Resource[Any]]
    children: Mapping[Key, tuple[Key, ...]]
    edges: Edges
    doubts: Mapping[Key, Diagnostic]

    def leaves_of(self, root: Key) -> list[Resource[Any]]:
        """Return the leaves a declared resource stands for, without those in doubt, which promise nothing."""
        return [self.leaves[key] for key in self.children.get(root, ()) if key not in self.doubts]

    def sharers(self, keys: Collection[Key]) -> set[Key]:
        """Return the declared roots that share any of these leaves; a leaf that several share has no parent."""
        return (
            {root for root, leaves in self.children.items() if any(leaf in keys for leaf in leaves)} if keys else set()
        )


class DeclaredLook(Struct, eq=False):
    """`Look` over the declared resources."""

    settings: Settings
    declared: Mapping[Key, Resource[Any]]
    rules: Rules
    resolve: Resolve
    files: Files
    written: Callable[[Key], Written]
    verbs: Callable[[Key], Sequence[str]] = lambda key: ()
    warnings: list[Diagnostic] = []
    doubts: dict[Key, Diagnostic] = {}
    _found: dict[Any, Any] = {}

    def __call__(self, key: Key) -> Spec | None:
        """Return the declared spec of `key`, or None."""
        found = self.declared.get(key)
        return found.spec if found else None

    def once(self, find: Callable[[Look], T]) -> T:
        """Return what `find` finds, looked for once."""
        if find not in self._found:
            self._found[find] = find(self)
        found: T = self._found[find]
        return found


def expand(look: Look, kinds: Mapping[str, Kind[Any]]) -> Desired:
    """Expand every composite and check names, claims, targets, references and cycles. Raises LoadError with all.

    A leaf that several composites bring along in the very same form is one leaf they share.
    """
    declared, settings = look.declared, look.settings
    leaves: dict[Key, Resource[Any]] = {}
    children: dict[Key, tuple[Key, ...]] = dict.fromkeys(declared, ())
    problems: list[Diagnostic] = []
    for root in declared.values():
        try:
            found = _leaves(root, kinds, look)
        except ConduitError as error:
            problems += error.diagnostics
            continue
        children[root.key] = tuple(leaf.key for leaf in found)
        for leaf in found:
            other = leaves.setdefault(leaf.key, leaf)
            if other is not leaf and other != leaf:
                problems.append(_duplicate(leaf, other))
    problems += _claim_problems(leaves.values(), kinds)
    problems += _target_problems(leaves.values(), kinds, settings)
    depends, missing = edges(leaves, children)
    problems += missing
    cycle = None if missing else find_cycle(depends, leaves)
    if cycle:
        problems.append(cycle)
    if problems:
        raise LoadError(dict.fromkeys(problems))
    return Desired(declared, leaves, children, depends, look.doubts)


def _leaves(resource: Resource[Any], kinds: Mapping[str, Kind[Any]], look: Look, depth: int = 0) -> list[Resource[Any]]:
    if depth > MAX_DEPTH:
        raise RecursionError(f"{resource.key} expands without end")
    kind = kinds[resource.key.kind]
    leaves: list[Resource[Any]] = []
    for part in kind.expand(resource, look) if kind.composite else (resource,):
        own = kinds[part.key.kind]
        if own.composite:
            leaves += _leaves(part, kinds, look, depth + 1)
        else:
            leaves.append(own.complete(part, look))
    return leaves


def _duplicate(leaf: Resource[Any], other: Resource[Any]) -> Diagnostic:
    return Diagnostic(
        DUPLICATE,
        f"{leaf.key} is declared twice: by {other.root} and by {leaf.root}",
        leaf.source,
        "rename one of them",
        related=((str(other.root), other.source),),
    )


def _same_value(one: Claim, two: Claim) -> bool:
    return one.value == two.value


def _same_listener(one: Claim, two: Claim) -> bool:
    """Compare (protocol, address, port): `::` meets every other address, `0.0.0.0` every other of IPv4."""
    first, second = ip_address(one.value[1]), ip_address(two.value[1])
    same_sort = first.version == second.version
    wildcards = [each for each in (first, second) if each.is_unspecified]
    return first == second or any(same_sort or each.version == 6 for each in wildcards)


def _same_record(one: Claim, two: Claim) -> bool:
    """Compare (name, type): a CNAME stands alone at its name (RFC 1034 section 3.6.2)."""
    return one.value[1] == two.value[1] or "CNAME" in (one.value[1], two.value[1])


Overlap = Callable[[Claim, Claim], bool]
Bucket = tuple[object, ...]
Declared = tuple[Key, Source]
RULES: dict[str, tuple[Callable[[Claim], Bucket], Overlap]] = {
    "listen": (lambda claim: (claim.scope, claim.value[0], claim.value[2]), _same_listener),
    "dns": (lambda claim: (claim.scope, claim.value[0]), _same_record),
}
"""Per scope: the bucket in which two claims can meet at all, and whether two of a bucket do."""
PLAIN: tuple[Callable[[Claim], Bucket], Overlap] = (lambda claim: claim, _same_value)


def _claim_problems(leaves: Iterable[Resource[Any]], kinds: Mapping[str, Kind[Any]]) -> Iterable[Diagnostic]:
    first: dict[Bucket, tuple[Claim, Resource[Any]]] = {}
    crowded: dict[Bucket, list[tuple[Claim, Resource[Any]]]] = {}
    for leaf in leaves:
        for claim in kinds[leaf.key.kind].claims(leaf.spec):
            bucket_of, _ = RULES.get(claim.scope, PLAIN)
            place, holder = bucket_of(claim), (claim, leaf)
            earlier = first.setdefault(place, holder)
            if earlier is not holder:
                crowded.setdefault(place, [earlier]).append(holder)
    clashes: dict[tuple[Declared, Declared], list[Claim]] = {}
    for bucket in crowded.values():
        _, overlap = RULES.get(bucket[0][0].scope, PLAIN)
        for (other_claim, other), (claim, leaf) in combinations(bucket, 2):
            if overlap(claim, other_claim):
                clashes.setdefault(((leaf.root, leaf.source), (other.root, other.source)), []).append(claim)
    return (_clash(claims, *pair) for pair, claims in clashes.items())


def _clash(claims: Iterable[Claim], one: Declared, other: Declared) -> Diagnostic:
    """Return what two declarations both claim, in one problem: one change mends it."""
    both = " and ".join(dict.fromkeys(map(str, claims)))
    return Diagnostic(
        CLASH,
        f"{one[0]} and {other[0]} both claim {both}",
        one[1],
        f"{other[0]} stands at {other[1]}; change one of them",
        related=((str(other[0]), other[1]),),
    )


def _target_problems(
    leaves: Collection[Resource[Any]], kinds: Mapping[str, Kind[Any]], settings: Settings
) -> Iterable[Diagnostic]:
    named = settings.sections
    absent = {kind for kind in {leaf.key.kind for leaf in leaves} if kinds[kind].provider not in named}
    wanting: dict[str, dict[Key, Resource[Any]]] = {}
    for leaf in leaves if absent else ():
        if leaf.key.kind in absent and (provider := kinds[leaf.key.kind].target(leaf.spec).provider):
            wanting.setdefault(provider, {}).setdefault(leaf.root, leaf)
    for provider, roots in wanting.items():
        first, more = next(iter(roots.values())), len(roots) - 1
        who = f"{first.root} and {more} more need" if more else f"{first.root} needs"
        summary = f"{who} {provider}, which conduit.yaml does not name"
        yield Diagnostic(NO_TARGET, summary, first.source, f'add the section "{provider}:" to conduit.yaml')
