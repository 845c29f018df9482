"""What of a plan the loop leaves alone, and why. Pure.

A person's `apply` knows none of this: it does what the plan says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conduit.change import Action, Change
from conduit.model import Key
from conduit.plan import Plan
from conduit.reconcile.backoff import Backoff
from conduit.settings import Reconcile

OBSERVED = "only observed, by its mode in conduit.yaml"
UNCOMMITTED = "nothing is deleted while the manifests differ from the last commit"
UNRESTED = "outside git nothing is deleted before the manifests have rested"


def held_back(plan: Plan, rules: Reconcile, backoff: Backoff, now: float, *, keep: str) -> dict[Key, str]:
    """Return the keys of the changes that are not to be applied now, each with the reason.

    `keep` is the reason why nothing is to be deleted, "" when there is none.
    """
    digests = {str(root): plan.digest_of_root(root) for root in {change.root for change in plan.changes}}
    return {
        change.key: reason for change in plan.changes if (reason := _reason(change, rules, backoff, digests, now, keep))
    }


def _reason(
    change: Change, rules: Reconcile, backoff: Backoff, digests: Mapping[str, str], now: float, keep: str
) -> str:
    if observed(rules, (change.key.kind, change.root.kind)):
        return OBSERVED
    if change.action is Action.DELETE and keep:
        return keep
    root = str(change.root)
    if backoff.holds(root, digests[root], now):
        return f"it failed {backoff.failing[root].times} times; tried again later"
    return ""


def observed(rules: Reconcile, kinds: Iterable[str]) -> bool:
    """Whether what is of these kinds, its own and those of its roots, is only observed."""
    modes = [rules.kinds[kind] for kind in kinds if kind in rules.kinds]
    return "observe" in (modes or [rules.mode])


def mistaken_kinds(rules: Reconcile, kinds: Mapping[str, Any]) -> Iterator[str]:
    """Yield the kinds that have a mode and do not exist."""
    return (kind for kind in rules.kinds if kind not in kinds)
