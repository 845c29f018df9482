"""Make a plan true: objects, then documents, then readback, proof, and only then the removal of what is left over.

Prove what exists · objects come up · all documents are staged · each commits once · verify · prove · revert what lost
ground · prune. A failed change takes the other changes of its root along and skips its dependents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from conduit.change import Change, Outcome, Proof, Result
from conduit.documents import commit_all, stage_all
from conduit.failpoints import fail
from conduit.model import Key
from conduit.obstacles import passable
from conduit.providers.base import ObjectProvider
from conduit.providers.transaction import Staged
from conduit.prune import prune
from conduit.readiness import when_ready
from conduit.schedule import Step, awaited
from conduit.touched import baseline, prove_again
from conduit.undo import undo
from conduit.verify import verify_objects
from conduit.work import Work


def apply(work: Work) -> dict[Key, Proof]:
    """Apply the plan of `work`; its outcomes are in `work.outcomes`, the last proofs are returned.

    Raises `RollbackFailed` when something could not be taken back, and OSError or ConduitError when the journal cannot
    be written (then nothing more was changed).
    """
    before = baseline(work) if work.options.prove else {}
    fail("apply.before_objects")
    coming: list[Coming] = []
    try:
        _rounds(work, coming)
    finally:
        for each in coming:
            _come_up(work, each)
    verify_objects(work)
    fail("apply.verified")
    proofs = prove_again(work, before) if work.options.prove else {}
    fail("apply.proved")
    undo(work)
    prune(work)
    fail("apply.pruned")
    return proofs


class Coming(Struct, frozen=True):
    """Objects that were made and that nothing in this plan waits for, with their outcomes as long as they come up."""

    provider: ObjectProvider
    changes: list[Change]
    outcomes: dict[Key, Outcome]


def _rounds(work: Work, coming: list[Coming]) -> None:
    """Carry out the rounds of the plan; what may come up while others go on is added to `coming`."""
    staged: dict[str, Staged[Any]] | None = None
    objects = any(not step.document for steps in work.plan.rounds for step in steps)
    waited = awaited(work.plan.rounds, work.desired.edges) if objects else set()
    for steps in work.plan.rounds:
        for step in steps:
            provider = work.providers[step.provider]
            if isinstance(provider, ObjectProvider):
                coming += _objects(work, provider, step, waited)
        documents = [step for step in steps if step.document]
        if documents:
            staged = _all_staged(work) if staged is None else staged
            commit_all(work, documents, staged)


def _all_staged(work: Work) -> dict[str, Staged[Any]]:
    fail("apply.after_objects")
    staged = stage_all(work)
    fail("apply.before_documents")
    return staged


def _objects(work: Work, provider: ObjectProvider, step: Step, waited: Collection[Key]) -> Iterator[Coming]:
    """Make objects; yield those that need not be ready before the plan goes on."""
    changes = [_with_wish(work, change) for change in passable(work, step.changes)]
    if not changes:
        return
    work.begin(step.provider, changes)
    outcomes = provider.apply(changes, work.readings[step.provider])
    work.made |= {key for key, outcome in outcomes.items() if outcome.result is Result.OK}
    free = {c.key: outcomes[c.key] for c in changes if outcomes[c.key].result is Result.OK and c.key not in waited}
    others = {key: outcome for key, outcome in outcomes.items() if key not in free}
    _come_up(work, Coming(provider, [change for change in changes if change.key in others], others))
    if free:
        yield Coming(provider, [change for change in changes if change.key in free], free)


def _come_up(work: Work, coming: Coming) -> None:
    """Wait for objects to be ready, and note what came of them."""
    outcomes = when_ready(work, coming.provider, coming.changes, coming.outcomes)
    done = {change.key: change.native for change in coming.changes if outcomes[change.key].result is Result.OK}
    work.memory.record(done)
    work.settle(outcomes.values())


def _with_wish(work: Work, change: Change) -> Change:
    """Return a change of an object with all that its wish had to wait for."""
    wish = work.resolved(change)
    if wish is None or wish is change.want:
        return replace(change, want=wish)
    return replace(
        change, want=wish, native=work.kinds[change.key.kind].render(wish.spec, work.context(change.provider))
    )
