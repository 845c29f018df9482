"""The roots an apply touches: proven before the first write and after the last; what lost ground is blamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from conduit.change import Change, Proof, Result
from conduit.companions import companions
from conduit.model import FRAME, Key
from conduit.proving import lowered, prove, prove_owed, prove_until, regression
from conduit.report import Event, EventKind
from conduit.spec import Resource
from conduit.work import Work

SAMPLE: Final = 5
"""How many roots stand for all the others when the frame of a document changes."""
TOO_MANY: Final = "there was no time to ask: too many others give no answer"
"""Why a root is unproven of which nothing is known; the next apply asks again."""
PATIENCE: Final = 3.0
"""Seconds a root has to prove itself after its daemons reloaded."""


def _touched(work: Work) -> list[Resource[Any]]:
    """Return the declared roots an apply touches, and a sample for each document whose frame it changes."""
    changed = {change.root for change in work.plan.changes}
    declared = changed & work.desired.roots.keys()
    touched = declared | work.desired.sharers(changed - declared)
    for change in work.plan.changes:
        if change.key.kind == FRAME and change.live:
            touched |= set(_sample(work, change.key.name))
    return [work.desired.roots[key] for key in sorted(touched)]


def _sample(work: Work, provider: str) -> list[Key]:
    """Return the first few roots that already have a live block in a document."""
    found: dict[Key, None] = {}
    for live in work.observed[provider].reading.ours():
        leaf = work.desired.leaves.get(live.key)
        if leaf and leaf.root in work.desired.roots:
            found[leaf.root] = None
        if len(found) == SAMPLE:
            break
    return list(found)


def baseline(work: Work) -> dict[Key, Proof]:
    """Prove each root that is about to change and has something live already."""
    live = {change.root for change in work.plan.changes if change.live}
    roots = [root for root in _touched(work) if root.key in live or not _changed_by(work, root.key)]
    found = prove(roots, work.kinds, work.proving_context()) if roots else {}
    return {key: proof for key, proof in found.items() if proof}


def _changed_by(work: Work, root: Key) -> list[Change]:
    return [change for change in work.plan.changes if change.root == root]


def prove_again(work: Work, before: Mapping[Key, Proof]) -> dict[Key, Proof]:
    """Prove the touched roots: one that lost ground is blamed, one that is new and does not answer is unproven.

    So is one of which nothing is known because too many others hang. What this apply does not touch and still owes its
    proof is tried once, as far as there is time for that.
    """
    roots = [root for root in _touched(work) if root.key not in work.blamed]
    tried = {root.key for root in roots} | work.blamed.keys()
    owed = [work.desired.roots[key] for key in work.owed if key not in tried]
    context = work.proving_context()
    found = prove_until(roots, work.kinds, context, before, min(PATIENCE, work.options.timeout)) if roots else {}
    for root in roots:
        if root.key not in found:
            work.listen(Event(EventKind.UNPROVEN, root.key, "", TOO_MANY))
            _unproven(work, root.key, TOO_MANY)
            work.unasked.add(root.key)
    proofs = {key: proof for key, proof in found.items() if proof} | prove_owed(owed, work.kinds, context)
    for key, proof in proofs.items():
        work.listen(Event(EventKind.PROVED if proof.passed else EventKind.UNPROVEN, key, "", proof.detail))
        earlier = before.get(key)
        if earlier and lowered(proof, earlier):
            _take_back(work, key, regression(proof, earlier))
        elif not proof.passed:
            _unproven(work, key, proof.detail)
    return proofs


def _take_back(work: Work, root: Key, reason: str) -> None:
    work.blame(root, reason)
    for other in companions(root, work.plan.changes, work.desired.roots):
        work.blame(other, f"{root} got worse with it: {reason}")


def _unproven(work: Work, root: Key, why: str) -> None:
    for change in _changed_by(work, root):
        outcome = work.outcomes.get(change.key)
        if outcome and outcome.result is Result.OK:
            work.outcomes[change.key] = replace(outcome, result=Result.UNPROVEN, reason=why)
