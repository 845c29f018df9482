"""From declared resources to the leaf resources providers understand: expansion, claims, the graph. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from conduit.claims import claims_of
from conduit.errors import Code, ConduitError, Diagnostic, LoadError
from conduit.graph import Edges, edges, find_cycle, refs
from conduit.kind import Kind
from conduit.later import later
from conduit.look import Files, Look, Written
from conduit.model import Bucket, Key
from conduit.settings import Settings
from conduit.settled_root import NONE_SETTLED, SettledRoot
from conduit.spec import Resource, Spec
from conduit.upstreams import Resolve, Rules

DUPLICATE = Code(
    "CND-0303",
    "two resources of one name",
    "Two declarations lead to the same resource, for example a dns_record that has the name of one a service brings "
    "along. Each resource has exactly one place where it is declared; rename one of them.",
)
NO_TARGET = Code(
    "CND-0305",
    "no such daemon in conduit.yaml",
    "A resource needs a daemon that conduit.yaml does not name. conduit observes and changes exactly the daemons it is "
    "told about. Add the section of that daemon to conduit.yaml, or remove the resource or the field that needs it.",
)

T = TypeVar("T")
Found = dict[Key, list[Resource[Any]]]
"""The leaves of each root that was expanded."""

MAX_DEPTH = 8
"""Composites may expand into composites, but not endlessly."""


class Desired(Struct, frozen=True):
    """The whole wish: declared roots, leaves, which leaves a root stands for, and what each leaf depends on.

    `doubts` are the leaves of which nobody knows now what they should be, and why. `settled` roots and their leaves are
    made when they are asked for, and are in no edge; `whole` tells the same wish with all of them made.
    """

    roots: Mapping[Key, Resource[Any]]
    leaves: Mapping[Key, Resource[Any]]
    children: Mapping[Key, tuple[Key, ...]]
    edges: Edges
    doubts: Mapping[Key, Diagnostic]
    buckets: Mapping[Key, Sequence[Bucket]] = {}
    """Those of the claims of each root that is not settled."""
    settled: Mapping[Key, SettledRoot] = NONE_SETTLED
    expanded: Callable[[], Desired] | None = None

    def whole(self) -> Desired:
        """Return the same wish with nothing settled."""
        return self.expanded() if self.expanded else self

    def unsettled(self) -> Iterable[Resource[Any]]:
        """Yield the declared roots that are not settled."""
        return (self.roots[key] for key in self.roots if key not in self.settled)

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
    settled: Mapping[Key, SettledRoot] = NONE_SETTLED
    warnings: list[Diagnostic] = []
    doubts: dict[Key, Diagnostic] = {}
    _found: dict[Any, Any] = {}

    def __call__(self, key: Key) -> Spec | None:
        """Return the declared spec of `key`, or None."""
        found = self.declared.get(key)
        return found.spec if found else None

    def connected(self) -> Iterable[Resource[Any]]:
        """Yield all that is declared and may name another resource."""
        return (self.declared[key] for key in self.declared if key not in self.settled)

    def once(self, find: Callable[[Look], T]) -> T:
        """Return what `find` finds, looked for once."""
        if find not in self._found:
            self._found[find] = find(self)
        found: T = self._found[find]
        return found


def expand(look: Look, kinds: Mapping[str, Kind[Any]], settled: Mapping[Key, SettledRoot] = NONE_SETTLED) -> Desired:
    """Expand every composite and check names, claims, targets, references and cycles. Raises LoadError with all.

    A leaf that several composites bring along in the very same form is one leaf they share. Of what is `settled` only
    that is expanded which the rest has to do with.
    """
    return _expand(look, kinds, {}, settled)


def _expand(look: Look, kinds: Mapping[str, Kind[Any]], found: Found, settled: Mapping[Key, SettledRoot]) -> Desired:
    """Expand all that is neither `found` nor `settled`; see `expand`."""
    declared, problems = look.declared, list[Diagnostic]()

    def add(keys: Iterable[Key]) -> None:
        for key in keys:
            found[key] = _tried(declared[key], kinds, look, problems)

    add(key for key in declared if key not in found and key not in settled)
    if settled:
        add(_met(found, settled, kinds))
        settled = {key: root for key, root in settled.items() if key not in found}
    children = {key: settled[key].leaves if key in settled else _keys(found[key]) for key in declared}
    leaves: dict[Key, Resource[Any]] = {}
    for key in declared:
        for leaf in found.get(key, ()):
            other = leaves.setdefault(leaf.key, leaf)
            if other is not leaf and other != leaf:
                problems.append(_duplicate(leaf, other))
    claims = claims_of(leaves.values(), kinds)
    problems += claims.problems
    problems += _target_problems(leaves.values(), kinds, look.settings)
    depends, missing = edges(leaves, children)
    problems += missing
    cycle = None if missing else find_cycle(depends, leaves)
    if cycle:
        problems.append(cycle)
    if problems:
        raise LoadError(dict.fromkeys(problems))
    whole = Desired(declared, leaves, children, depends, look.doubts, claims.buckets)
    return _with_settled(whole, look, kinds, found, settled) if settled else whole


def _with_settled(
    rest: Desired,
    look: Look,
    kinds: Mapping[str, Kind[Any]],
    found: Found,
    settled: Mapping[Key, SettledRoot],
) -> Desired:
    """Return a wish of which the `rest` is made, with the leaves of what is settled made later."""

    def leaves_of(root: Key) -> dict[Key, Resource[Any]]:
        return {leaf.key: leaf for leaf in _leaves(rest.roots[root], kinds, look)}

    leaves = {key: rest.leaves.get(key, root) for root, own in rest.children.items() for key in own}
    whole = partial(_expand, look, kinds, found, NONE_SETTLED)
    return replace(rest, leaves=later(leaves, leaves_of), settled=settled, expanded=whole)


def _keys(leaves: Iterable[Resource[Any]]) -> tuple[Key, ...]:
    return tuple([leaf.key for leaf in leaves])


def _tried(
    root: Resource[Any], kinds: Mapping[str, Kind[Any]], look: Look, problems: list[Diagnostic]
) -> list[Resource[Any]]:
    """Return the leaves of a root; none, and more `problems`, when it cannot be expanded."""
    try:
        return _leaves(root, kinds, look)
    except ConduitError as error:
        problems += error.diagnostics
        return []


def _met(found: Found, settled: Mapping[Key, SettledRoot], kinds: Mapping[str, Kind[Any]]) -> set[Key]:
    """Return the settled roots that share a leaf or a claim with what was expanded, or are depended on."""
    leaves = [leaf for own in found.values() for leaf in own]
    keys = {key for leaf in leaves for key in (leaf.key, *leaf.needs, *(ref.key for ref in refs(leaf.spec)))}
    buckets = {each for own in claims_of(leaves, kinds).buckets.values() for each in own}
    return {
        key
        for key, root in settled.items()
        if key in keys or not (keys.isdisjoint(root.leaves) and buckets.isdisjoint(root.buckets))
    }


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
