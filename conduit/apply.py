"""Make a plan true: objects, then documents, then readback, proof, and only then the removal of what is left over.

Prove what exists · objects come up · all documents are staged · each commits once · verify · prove · revert what lost
ground · prune. A failed change takes the other changes of its root along and skips its dependents.
"""

from __future__ import annotations

from typing import Any

from conduit.change import Change, Proof, Result
from conduit.documents import commit_all, stage_all
from conduit.failpoints import fail
from conduit.model import Key
from conduit.providers.base import ObjectProvider
from conduit.providers.transaction import Staged
from conduit.prune import prune
from conduit.readiness import when_ready
from conduit.schedule import Round, Step
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
    staged: dict[str, Staged[Any]] | None = None
    for steps in work.plan.rounds:
        documents = _objects_first(work, steps)
        if documents:
            staged = _all_staged(work) if staged is None else staged
            commit_all(work, documents, staged)
    verify_objects(work)
    fail("apply.verified")
    proofs = prove_again(work, before) if work.options.prove else {}
    fail("apply.proved")
    undo(work)
    prune(work)
    fail("apply.pruned")
    return proofs


def _all_staged(work: Work) -> dict[str, Staged[Any]]:
    fail("apply.after_objects")
    staged = stage_all(work)
    fail("apply.before_documents")
    return staged


def _objects_first(work: Work, steps: Round) -> list[Step]:
    """Carry out the steps of a round that are objects, and return those that are documents."""
    for step in steps:
        provider = work.providers[step.provider]
        if isinstance(provider, ObjectProvider):
            _objects(work, provider, step)
    return [step for step in steps if step.document]


def _objects(work: Work, provider: ObjectProvider, step: Step) -> None:
    changes = [_with_wish(work, change) for change in work.passable(step.changes)]
    if not changes:
        return
    work.begin(step.provider, changes)
    outcomes = provider.apply(changes, work.readings[step.provider])
    work.made |= {key for key, outcome in outcomes.items() if outcome.result is Result.OK}
    outcomes = when_ready(work, provider, changes, outcomes)
    done = {change.key: change.native for change in changes if outcomes[change.key].result is Result.OK}
    work.memory.record(done)
    work.settle(outcomes.values())


def _with_wish(work: Work, change: Change) -> Change:
    """Return a change of an object with all that its wish had to wait for."""
    wish = work.resolved(change)
    if wish is None or wish is change.want:
        return change._replace(want=wish)
    return change._replace(
        want=wish, native=work.kinds[change.key.kind].render(wish.spec, work.context(change.provider))
    )
