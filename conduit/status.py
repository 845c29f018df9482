"""How every declared root is doing right now: its proof, its provider's readability, its certificate's age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from conduit.change import Proof
from conduit.decide import Observed
from conduit.expand import Desired
from conduit.kind import Context, Kind
from conduit.model import Key, Live
from conduit.proving import prove_within
from conduit.spec import Resource
from conduit.work import sole_facts

LIMIT = 2.5
"""Seconds all proofs together may take; what has no answer by then is told so."""
AT_ONCE = 32
"""Proofs that run side by side: more than in an apply, because many may hang."""
DAY = 86400.0


class RootStatus(Struct, frozen=True):
    """One root: its proof (None when it promises nothing visible or did not answer), and in words how it is.

    `days_left` counts to the expiry of the certificate that expires first, None without one.
    """

    key: Key
    proof: Proof | None
    health: str
    days_left: float | None = None


def status(
    roots: Sequence[Resource[Any]],
    desired: Desired,
    observed: Mapping[str, Observed],
    kinds: Mapping[str, Kind[Any]],
    context: Context,
) -> list[RootStatus]:
    """Prove `roots` side by side and return them in their order, within `LIMIT` seconds of probing."""
    lives = [live for view in observed.values() for live in view.reading.ours()]
    facts = sole_facts(lives)
    asking = replace(context, facts=facts, leaves=desired.leaves_of, parallel=context.parallel or AT_ONCE)
    proofs = prove_within(roots, kinds, asking, LIMIT)
    live_on = {name: observed.get(kinds[name].provider) for name in {leaf.kind for leaf in desired.leaves}}
    updates = {live.key: said for live in lives if (said := news_of(live))}
    blind = {name: view.reason for name, view in live_on.items() if view and view.reason}
    return [_status(root, desired, proofs, blind, updates, facts, context.now) for root in roots]


def news_of(live: Live) -> str:
    """Return what a person should know of a live object that is as it should be, empty for nothing."""
    update = live.status.get("update")
    return f"update available: {update}" if update else str(live.status.get("note", ""))


def _status(
    root: Resource[Any],
    desired: Desired,
    proofs: Mapping[Key, Proof | None],
    blind: Mapping[str, str],
    updates: Mapping[Key, str],
    facts: Mapping[Key, Mapping[str, Any]],
    now: float,
) -> RootStatus:
    leaves = desired.children.get(root.key, ())
    ends = [facts[leaf]["not_after"] for leaf in leaves if "not_after" in facts.get(leaf, {})]
    days_left = (min(ends) - now) / DAY if ends else None
    proof = proofs.get(root.key)
    unknown = [blind[leaf.kind] for leaf in leaves if leaf.kind in blind]
    unknown += [desired.doubts[leaf].summary for leaf in leaves if leaf in desired.doubts]
    health = unknown[0] if unknown else _health(root.key, proofs)
    news = [updates[leaf] for leaf in leaves if leaf in updates]
    return RootStatus(root.key, proof, "; ".join([health, *news]), days_left)


def _health(key: Key, proofs: Mapping[Key, Proof | None]) -> str:
    if key not in proofs:
        return f"no answer within {LIMIT:g} s"
    proof = proofs[key]
    if proof is None:
        return "promises nothing visible"
    return "up" if proof.passed else proof.detail
