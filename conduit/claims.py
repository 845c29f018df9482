"""Claims: what only one resource may have, and who claims the same as another. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from itertools import combinations
from typing import Any

from msgspec import Struct

from conduit.errors import Code, Diagnostic
from conduit.kind import Kind
from conduit.model import Bucket, Claim, Key, Source
from conduit.spec import Resource

CLASH = Code(
    "CND-0304",
    "two resources claim the same thing",
    "A host name and path, a DNS name and type, or a listener can belong to one resource only; otherwise which one "
    "answers would be an accident. Both places are named: change or remove one of them.",
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
Declared = tuple[Key, Source]
RULES: dict[str, tuple[Callable[[Claim], Bucket], Overlap]] = {
    "listen": (lambda claim: (claim.scope, claim.value[0], claim.value[2]), _same_listener),
    "dns": (lambda claim: (claim.scope, claim.value[0]), _same_record),
}
"""Per scope: the bucket in which two claims can meet at all, and whether two of a bucket do."""
PLAIN: tuple[Callable[[Claim], Bucket], Overlap] = (lambda claim: claim, _same_value)


class Claims(Struct, frozen=True):
    """The buckets of the claims of each root, and what several declarations claim."""

    buckets: Mapping[Key, Sequence[Bucket]]
    problems: Sequence[Diagnostic]


def claims_of(leaves: Iterable[Resource[Any]], kinds: Mapping[str, Kind[Any]]) -> Claims:
    """Return what leaves claim; what two declarations both claim is one problem."""
    buckets: dict[Key, list[Bucket]] = {}
    first: dict[Bucket, tuple[Claim, Resource[Any]]] = {}
    crowded: dict[Bucket, list[tuple[Claim, Resource[Any]]]] = {}
    for leaf in leaves:
        own = buckets.setdefault(leaf.parent or leaf.key, [])
        for claim in kinds[leaf.key.kind].claims(leaf.spec):
            bucket_of, _ = RULES.get(claim.scope, PLAIN)
            bucket, holder = bucket_of(claim), (claim, leaf)
            own.append(bucket)
            earlier = first.setdefault(bucket, holder)
            if earlier is not holder:
                crowded.setdefault(bucket, [earlier]).append(holder)
    return Claims(buckets, _problems(crowded.values()))


def _problems(crowded: Iterable[Sequence[tuple[Claim, Resource[Any]]]]) -> list[Diagnostic]:
    clashes: dict[tuple[Declared, Declared], list[Claim]] = {}
    for holders in crowded:
        _, overlap = RULES.get(holders[0][0].scope, PLAIN)
        for (other_claim, other), (claim, leaf) in combinations(holders, 2):
            if overlap(claim, other_claim):
                clashes.setdefault(((leaf.root, leaf.source), (other.root, other.source)), []).append(claim)
    return [_clash(claims, *pair) for pair, claims in clashes.items()]


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
