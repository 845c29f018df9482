"""The documents of an apply: all are staged before the first is written, each is committed once.

Those of one round commit side by side: while one daemon loads, what became of another is written down. A document
whose staging is never refused is staged then, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from threading import Thread
from typing import Any

from msgspec import Struct

from conduit.change import Action, Change, Outcome, Result
from conduit.errors import ConduitError, Refused, RollbackFailed, Stale, Unreadable
from conduit.failpoints import fail
from conduit.model import FRAME, Key
from conduit.obstacles import passable, unhindered
from conduit.providers.base import DocumentProvider, Reading
from conduit.providers.transaction import Block, Staged, commit, stage
from conduit.schedule import Step
from conduit.verify import verify
from conduit.work import Work


def stage_all(work: Work) -> dict[str, Staged[Any]]:
    """Stage every document before the first is written, so that a refusal is known while nothing has changed yet.

    Changes that still wait for a value of a later object are staged with their own commit, and so are those that are
    never refused: for these the daemons beside it need not wait.
    """
    staged: dict[str, Staged[Any]] = {}
    for step in (step for steps in work.plan.rounds for step in steps):
        provider = work.document(step.provider)
        if provider is None or step.provider in staged or provider.accepts(step.changes):
            continue
        possible = unhindered(work, step.changes)
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
    for change in changes if refused else ():
        if change.key in refused:
            refusal = refused[change.key]
            result = Result.FAILED if refusal.whole else Result.QUARANTINED
            work.settle([Outcome(change.key, change.action, result, refusal.diagnostics[0].summary)])


def commit_all(work: Work, steps: Sequence[Step], staged: Mapping[str, Staged[Any]]) -> None:
    """Commit documents that do not wait for each other. What a block's refusal takes along is left out before that.

    Raises the first of what `conduit.apply.apply` raises when all have come to their end.
    """
    commits = [each for step in steps if (each := _opened(work, step, staged))]
    at_once = work.options.parallel or len(commits) or 1
    errors = [error for at in range(0, len(commits), at_once) for error in _run(work, commits[at : at + at_once])]
    if errors:
        raise errors[0]


def _run(work: Work, commits: Sequence[Commit]) -> list[Exception]:
    """Run commits side by side to their end, and return what they raised."""
    others = [Thread(target=each.run, name=f"commit {each.provider.name}", daemon=True) for each in commits[1:]]
    for other in others:
        other.start()
    errors: list[Exception] = []
    for number, each in enumerate(commits):
        if number:
            work.memory.expect({key: block.native if block else None for key, block in each.blocks.items()})
            others[number - 1].join()
        else:
            each.run()
        try:
            _close(work, each)
        except (ConduitError, OSError) as error:
            errors.append(error)
    return errors


class Commit(Struct, eq=False):
    """One document on its way: from a reading, with the blocks that are to change, perhaps staged already.

    `done` is what is loaded then and what was really committed, `error` why there is nothing.
    """

    provider: DocumentProvider[Any]
    changes: list[Change]
    reading: Reading
    blocks: Mapping[Key, Block | None]
    ready: Staged[Any] | None
    done: tuple[Reading, Staged[Any]] | None = None
    error: Exception | None = None
    seconds: float = 0.0

    def run(self) -> None:
        """Let the daemon load it. Touches nothing of the apply but this."""
        started = time.monotonic()
        try:
            ready = self.ready
            if ready is None or ready.changes != self.blocks:
                ready = stage(self.provider, self.reading, self.blocks)
            self.done = commit(self.provider, self.reading, ready)
        except Exception as error:  # noqa: BLE001 - raised again by `_close`, in the thread of the apply
            self.error = error
        self.seconds = time.monotonic() - started


def _opened(work: Work, step: Step, staged: Mapping[str, Staged[Any]]) -> Commit | None:
    """Return the commit of a step, its intent in the journal; None when there is nothing to write."""
    provider = work.document(step.provider)
    open_changes = [change for change in step.changes if change.key not in work.outcomes]
    changes = _really_different(work, passable(work, open_changes))
    if provider is None or not _needs_commit(work, provider, changes):
        _drop_frame(work, changes)
        return None
    work.begin(step.provider, changes)
    ready = staged.get(step.provider)
    return Commit(provider, changes, work.readings[step.provider], _blocks_now(work, changes, ready), ready)


def _blocks_now(work: Work, changes: Iterable[Change], ready: Staged[Any] | None) -> Mapping[Key, Block | None]:
    """Return the blocks of changes: those that were staged, unless others may be made now or values became known."""
    keys = {change.key for change in changes if change.key.kind != FRAME}
    if ready and ready.changes.keys() == keys and work.late.isdisjoint(keys):
        return ready.changes
    return _blocks(work, changes)


def _really_different(work: Work, changes: list[Change]) -> list[Change]:
    """Settle the changes whose late values turned out to be what is live already."""
    if not work.late:
        return changes
    same = [change for change in changes if _already_so(work, change)]
    work.settle(Outcome(change.key, change.action, Result.OK, "already so") for change in same)
    return [change for change in changes if change.key not in work.outcomes]


def _already_so(work: Work, change: Change) -> bool:
    if change.key not in work.late or change.action is not Action.UPDATE or change.live is None:
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


def _close(work: Work, ended: Commit) -> None:
    """Note how a commit ended. Raises what is no failure of its changes alone."""
    if isinstance(ended.error, ConduitError):
        if isinstance(ended.error, Unreadable):
            del work.readings[ended.provider.name]  # whether the write took effect is not known
        _failed(work, ended.changes, ended.error)
    elif ended.error or ended.done is None:
        raise ended.error or RuntimeError(f"the commit of {ended.provider.name} has no end")
    else:
        work.readings[ended.provider.name], staged = ended.done
        fail("apply.committed")
        _committed(work, ended.provider, ended.changes, staged, ended.seconds)
        if ended.done[0].objects is not ended.provider.proven(staged.document):
            verify(work, ended.changes)


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
    for change in changes if done.quarantined else ():
        if change.key in done.quarantined:
            reason = done.quarantined[change.key].summary
            work.settle([Outcome(change.key, change.action, Result.QUARANTINED, reason, seconds)])
    held = [change for change in changes if change.key not in done.quarantined]
    work.settle(Outcome(change.key, change.action, Result.OK, "", seconds) for change in held)
