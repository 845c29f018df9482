"""What of a plan the loop leaves alone, and why. Pure.

A person's `apply` knows none of this: it does what the plan says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conduit.change import Action, Change
from conduit.model import Key
from conduit.plan import Plan
from conduit.reconcile.backoff import Backoff
from conduit.settings import Reconcile

OBSERVED = "only observed, by its mode in conduit.yaml"
UNCOMMITTED = "nothing is deleted while the manifests differ from the last commit"


def held_back(plan: Plan, rules: Reconcile, backoff: Backoff, now: float, *, committed: bool) -> dict[Key, str]:
    """Return the keys of the changes that are not to be applied now, each with the reason.

    `committed` tells that the manifests equal the last commit, or that there is no git to ask.
    """
    digests = {str(root): plan.digest_of_root(root) for root in {change.root for change in plan.changes}}
    return {
        change.key: reason
        for change in plan.changes
        if (reason := _reason(change, rules, backoff, digests, now, committed=committed))
    }


def _reason(
    change: Change, rules: Reconcile, backoff: Backoff, digests: Mapping[str, str], now: float, *, committed: bool
) -> str:
    modes = [rules.kinds[kind] for kind in (change.key.kind, change.root.kind) if kind in rules.kinds]
    if "observe" in (modes or [rules.mode]):
        return OBSERVED
    if change.action is Action.DELETE and not committed:
        return UNCOMMITTED
    root = str(change.root)
    if backoff.holds(root, digests[root], now):
        return f"it failed {backoff.failing[root].times} times; tried again later"
    return ""


def mistaken_kinds(rules: Reconcile, kinds: Mapping[str, Any]) -> Iterator[str]:
    """Yield the kinds that have a mode and do not exist."""
    return (kind for kind in rules.kinds if kind not in kinds)
