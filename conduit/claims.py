"""Claims: what only one resource may have, and who claims the same as another. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from itertools import combinations
from typing import Any

from conduit.errors import Code, Diagnostic
from conduit.kind import Kind
from conduit.model import Claim, Key, Source
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
RULES: dict[str, tuple[Callable[[Claim], str], Overlap]] = {
    "listen": (lambda claim: f"listen {claim.value[0]} {claim.value[2]}", _same_listener),
    "dns": (lambda claim: f"dns {claim.value[0]}", _same_record),
}
"""Per scope: the place at which two claims can meet at all, and whether two of one place do."""
PLAIN: tuple[Callable[[Claim], str], Overlap] = (str, _same_value)


def claim_places(leaves: Iterable[Resource[Any]], kinds: Mapping[str, Kind[Any]]) -> Iterable[str]:
    """Yield the places at which the claims of leaves can meet others."""
    for leaf in leaves:
        for claim in kinds[leaf.key.kind].claims(leaf.spec):
            place_of, _ = RULES.get(claim.scope, PLAIN)
            yield place_of(claim)


def claim_problems(leaves: Iterable[Resource[Any]], kinds: Mapping[str, Kind[Any]]) -> Iterable[Diagnostic]:
    """Return what several declarations claim, each pair of them in one problem."""
    first: dict[str, tuple[Claim, Resource[Any]]] = {}
    crowded: dict[str, list[tuple[Claim, Resource[Any]]]] = {}
    for leaf in leaves:
        for claim in kinds[leaf.key.kind].claims(leaf.spec):
            place_of, _ = RULES.get(claim.scope, PLAIN)
            place, holder = place_of(claim), (claim, leaf)
            earlier = first.setdefault(place, holder)
            if earlier is not holder:
                crowded.setdefault(place, [earlier]).append(holder)
    clashes: dict[tuple[Declared, Declared], list[Claim]] = {}
    for holders in crowded.values():
        _, overlap = RULES.get(holders[0][0].scope, PLAIN)
        for (other_claim, other), (claim, leaf) in combinations(holders, 2):
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
