"""Make a plan true: objects, then documents, then readback, proof, and only then the removal of what is left over.

Prove what exists · objects come up · all documents are staged · each commits once · verify · prove · revert what lost
ground · prune. A failed change takes the other changes of its root along and skips its dependents.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from conduit.change import Action, Change, Outcome, Proof, Result
from conduit.companions import companions
from conduit.errors import ConduitError, Refused, RollbackFailed, Stale, Unreadable
from conduit.failpoints import fail
from conduit.model import FRAME, Key
from conduit.providers.base import DocumentProvider, ObjectProvider
from conduit.providers.transaction import Block, Staged, commit, stage
from conduit.proving import lowered, prove, prove_until, regression
from conduit.prune import prune
from conduit.readiness import when_ready
from conduit.report import Event, EventKind
from conduit.schedule import Step
from conduit.spec import Resource
from conduit.undo import undo
from conduit.verify import verify
from conduit.work import Work

SAMPLE = 5
"""How many roots stand for all the others when the frame of a document changes."""


def apply(work: Work) -> dict[Key, Proof]:
    """Apply the plan of `work`; its outcomes are in `work.outcomes`, the last proofs are returned.

    Raises `RollbackFailed` when something could not be taken back, and OSError or ConduitError when the journal cannot
    be written (then nothing more was changed).
    """
    before = _baseline(work) if work.options.prove else {}
    fail("apply.before_objects")
    staged: dict[str, Staged[Any]] | None = None
    for step in _steps(work):
        provider = work.providers[step.provider]
        if isinstance(provider, ObjectProvider):
            _objects(work, provider, step)
        elif isinstance(provider, DocumentProvider):
            if staged is None:
                fail("apply.after_objects")
                staged = _stage_all(work)
                fail("apply.before_documents")
            _document(work, provider, step, staged)
    verify(work)
    fail("apply.verified")
    proofs = _prove(work, before) if work.options.prove else {}
    fail("apply.proved")
    undo(work)
    prune(work)
    fail("apply.pruned")
    return proofs


def _steps(work: Work) -> Iterable[Step]:
    return (step for steps in work.plan.rounds for step in steps)


def _objects(work: Work, provider: ObjectProvider, step: Step) -> None:
    changes = [_with_wish(work, change) for change in work.passable(step.changes)]
    if not changes:
        return
    _begin(work, step.provider, changes)
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


def _stage_all(work: Work) -> dict[str, Staged[Any]]:
    """Stage every document before the first is written, so that a refusal is known while nothing has changed yet.

    Changes that still wait for a value of a later object are staged with their own commit.
    """
    staged: dict[str, Staged[Any]] = {}
    for step in _steps(work):
        provider = work.document(step.provider)
        if provider is None or step.provider in staged:
            continue
        possible = [change for change in step.changes if not work.obstacle(change)]
        blocks = _blocks(work, possible)
        if not blocks:
            continue
        try:
            staged[step.provider] = stage(provider, work.readings[step.provider], blocks)
        except Refused as refusal:
            _leave_out(work, possible, dict.fromkeys(blocks, refusal))
        else:
            refused = {key: Refused(found) for key, found in staged[step.provider].quarantined.items()}
            _leave_out(work, possible, refused)
    return staged


def _blocks(work: Work, changes: Iterable[Change]) -> dict[Key, Block | None]:
    return {change.key: work.block(change) for change in changes if change.key.kind != FRAME}


def _leave_out(work: Work, changes: Iterable[Change], refused: Mapping[Key, Refused]) -> None:
    """Note the changes that are not written: to blame themselves, or part of a document that is refused as such."""
    for change in changes:
        if change.key in refused:
            refusal = refused[change.key]
            result = Result.FAILED if refusal.whole else Result.QUARANTINED
            work.settle([Outcome(change.key, change.action, result, refusal.diagnostics[0].summary)])


def _document(work: Work, provider: DocumentProvider[Any], step: Step, staged: Mapping[str, Staged[Any]]) -> None:
    """Commit one document. What a block's refusal takes along is left out before anything is written."""
    open_changes = [change for change in step.changes if change.key not in work.outcomes]
    changes = _really_different(work, work.passable(open_changes))
    if not _needs_commit(work, provider, changes):
        _drop_frame(work, changes)
        return
    _begin(work, step.provider, changes)
    started = time.monotonic()
    try:
        blocks = _blocks(work, changes)
        ready = staged.get(step.provider)
        if ready is None or ready.changes != blocks:
            ready = stage(provider, work.readings[step.provider], blocks)
        reading, done = commit(provider, work.readings[step.provider], ready)
    except ConduitError as error:
        if isinstance(error, Unreadable):
            del work.readings[step.provider]  # whether the write took effect is not known
        _failed(work, changes, error)
        return
    work.readings[step.provider] = reading
    fail("apply.committed")
    _committed(work, provider, changes, done, time.monotonic() - started)


def _really_different(work: Work, changes: list[Change]) -> list[Change]:
    """Settle the changes whose late values turned out to be what is live already."""
    different = []
    for change in changes:
        if _already_so(work, change):
            work.settle([Outcome(change.key, change.action, Result.OK, "already so")])
        else:
            different.append(change)
    return different


def _already_so(work: Work, change: Change) -> bool:
    if change.key.kind == FRAME or change.action is not Action.UPDATE or change.live is None:
        return False
    block = work.block(change)
    waited = block is not None and block.native != change.native
    return waited and block == Block(change.live.native, change.live.protected)


def _needs_commit(work: Work, provider: DocumentProvider[Any], changes: list[Change]) -> bool:
    """A frame alone is committed only when it really differs around the blocks that are live now."""
    if any(change.key.kind != FRAME for change in changes):
        return True
    reading = work.readings[provider.name]
    return bool(changes) and (bool(reading.stale) or provider.frame(reading.owned()) != reading.frame)


def _drop_frame(work: Work, changes: list[Change]) -> None:
    work.settle(
        Outcome(c.key, c.action, Result.SKIPPED, "no block of this document was left to write") for c in changes
    )


def _begin(work: Work, provider: str, changes: list[Change]) -> None:
    work.memory.intent(provider, changes)
    fail("apply.intent")
    number = len(changes)
    work.listen(Event(EventKind.STARTED, None, provider, f"{number} change{'' if number == 1 else 's'}"))


def _failed(work: Work, changes: list[Change], error: ConduitError) -> None:
    """Note a commit that changed nothing. A rollback that failed is noted too, and goes on up."""
    summary = error.diagnostics[0].summary
    work.stale = work.stale or isinstance(error, Stale)
    blamed = error.blamed if isinstance(error, Refused) else ()
    work.settle(
        Outcome(change.key, change.action, Result.QUARANTINED if change.key in blamed else Result.FAILED, summary)
        for change in changes
    )
    if isinstance(error, RollbackFailed):
        raise error


def _committed(
    work: Work, provider: DocumentProvider[Any], changes: list[Change], done: Staged[Any], seconds: float
) -> None:
    reading = work.readings[provider.name]
    written = {key: block.native if block else None for key, block in done.changes.items()}
    work.memory.record(written | {Key(FRAME, provider.name): reading.frame})
    for change in changes:
        if change.key in done.quarantined:
            reason = done.quarantined[change.key].summary
            work.settle([Outcome(change.key, change.action, Result.QUARANTINED, reason, seconds)])
    work.settle(
        Outcome(change.key, change.action, Result.OK, "", seconds)
        for change in changes
        if change.key not in work.outcomes
    )


def _roots(work: Work) -> list[Resource[Any]]:
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


def _baseline(work: Work) -> dict[Key, Proof]:
    """Prove each root that is about to change and has something live already."""
    live = {change.root for change in work.plan.changes if change.live}
    roots = [root for root in _roots(work) if root.key in live or not _changed_by(work, root.key)]
    return prove(roots, work.kinds, work.proving_context()) if roots else {}


def _changed_by(work: Work, root: Key) -> list[Change]:
    return [change for change in work.plan.changes if change.root == root]


def _prove(work: Work, before: Mapping[Key, Proof]) -> dict[Key, Proof]:
    """Prove the touched roots: one that lost ground is blamed, one that is new and does not answer is unproven.

    What this apply does not touch and still owes its proof is tried once.
    """
    roots = [root for root in _roots(work) if root.key not in work.blamed]
    tried = {root.key for root in roots} | work.blamed.keys()
    owed = [work.desired.roots[key] for key in work.owed if key not in tried]
    context = work.proving_context()
    proofs = prove_until(roots, work.kinds, context, before, min(PATIENCE, work.options.timeout)) if roots else {}
    proofs |= prove(owed, work.kinds, context) if owed else {}
    for key, proof in proofs.items():
        work.listen(Event(EventKind.PROVED if proof.passed else EventKind.UNPROVEN, key, "", proof.detail))
        earlier = before.get(key)
        if earlier and lowered(proof, earlier):
            _take_back(work, key, regression(proof, earlier))
        elif not proof.passed:
            _unproven(work, key, proof)
    return proofs


def _take_back(work: Work, root: Key, reason: str) -> None:
    work.blame(root, reason)
    for other in companions(root, work.plan.changes, work.desired.roots):
        work.blame(other, f"{root} got worse with it: {reason}")


PATIENCE = 3.0
"""Seconds a root has to prove itself after its daemons reloaded."""


def _unproven(work: Work, root: Key, proof: Proof) -> None:
    for change in _changed_by(work, root):
        outcome = work.outcomes.get(change.key)
        if outcome and outcome.result is Result.OK:
            work.outcomes[change.key] = outcome._replace(result=Result.UNPROVEN, reason=proof.detail)
