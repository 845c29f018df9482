"""Take back what an apply did for roots that failed, from the natives read before it began."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conduit.change import Change, Origin, Outcome, Result
from conduit.errors import Code, ConduitError, Diagnostic, RollbackFailed
from conduit.failpoints import fail
from conduit.model import FRAME, Key, Native
from conduit.providers.base import DocumentProvider, ObjectProvider, Provider
from conduit.providers.transaction import Block, transact
from conduit.report import Event, EventKind
from conduit.work import Work

NOT_UNDONE = Code(
    "CND-0501",
    "a change failed and could not be taken back",
    "A resource lost ground after a change, or another part of it failed, and restoring its previous state failed too. "
    "Nothing more was tried, so as not to make it worse. The message names the daemon and what it said. Look at that "
    "daemon, then run `conduit diff` to see where live and declared state stand.",
)
DONE = (Result.OK, Result.UNPROVEN)


def undo(work: Work) -> None:
    """Restore every root in `work.blamed`, and each document whose frame broke roots that did not change.

    Raises `RollbackFailed` when a provider cannot be put back.
    """
    if not work.blamed:
        return
    fail("rollback.before")
    for name in sorted(work.providers, key=lambda name: -work.providers[name].order):
        provider = work.providers[name]
        changes = _to_undo(work, provider)
        try:
            if changes and name not in work.readings:
                work.readings[name] = provider.read()
            if isinstance(provider, DocumentProvider):
                _restore_frame(work, provider)
                _restore_blocks(work, provider, changes)
            elif isinstance(provider, ObjectProvider):
                _put_back(work, provider, changes)
        except ConduitError as error:
            raise _not_undone(provider, error) from error
        _note(work, changes)
    fail("rollback.after")


def _to_undo(work: Work, provider: Provider) -> list[Change]:
    """Return what was done for failed roots. New objects stay while a document that may name them is not known."""
    if work.unread and isinstance(provider, ObjectProvider):
        return []
    own = [change for change in work.plan.changes if change.provider == provider.name and change.root in work.blamed]
    return [c for c in own if c.key in work.made or (c.key in work.outcomes and work.outcomes[c.key].result in DONE)]


def _restore_blocks(work: Work, provider: DocumentProvider[Any], changes: list[Change]) -> None:
    if not changes:
        return
    blocks = {c.key: Block(c.live.native, c.live.protected) if c.live else None for c in changes}
    work.memory.intent(provider.name, changes)
    reading, _ = transact(provider, work.readings[provider.name], blocks)
    work.readings[provider.name] = reading
    work.memory.record(dict(map(_applied_before, changes)) | {Key(FRAME, provider.name): reading.frame})


def _restore_frame(work: Work, provider: DocumentProvider[Any]) -> None:
    """Put a whole document back when roots that had no change of their own broke through its new frame."""
    frame = next((c for c in work.plan.changes if c.key == Key(FRAME, provider.name)), None)
    changed = {change.root for change in work.plan.changes}
    innocent = [root for root in work.blamed if root not in changed]
    if frame is None or not innocent or work.outcomes[frame.key].result not in DONE:
        return
    own = [change for change in work.plan.changes if change.provider == provider.name]
    work.memory.intent(provider.name, own)
    earlier = work.observed[provider.name].reading
    work.readings[provider.name] = provider.restore(earlier, work.readings[provider.name])
    work.memory.record(dict(map(_applied_before, own)))
    reason = f"the new frame broke {innocent[0]}: {work.blamed[innocent[0]]}"
    work.settle(Outcome(change.key, change.action, Result.REVERTED, reason) for change in own)


def _put_back(work: Work, provider: ObjectProvider, changes: list[Change]) -> None:
    """Take back what was done to objects; the earlier generation is still there, because pruning comes last."""
    if not changes:
        return
    earlier = work.observed[provider.name].reading
    work.memory.intent(provider.name, changes)
    failed = [outcome for outcome in provider.undo(changes, earlier).values() if outcome.result is not Result.OK]
    work.memory.record(dict(map(_applied_before, changes)))
    if failed:
        summary = f"{failed[0].key} could not be put back: {failed[0].reason}"
        raise ConduitError(Diagnostic(NOT_UNDONE, summary))


def _applied_before(change: Change) -> tuple[Key, Native | None]:
    """Return what was applied last before this apply: the wish where the host moved away from it, else what was live.

    Where both moved neither is; the next plan then calls the difference pending.
    """
    if change.origin is Origin.DRIFT:
        return change.key, change.native
    return change.key, change.live.native if change.live else None


def _note(work: Work, changes: Iterable[Change]) -> None:
    for change in changes:
        work.listen(Event(EventKind.REVERTED, change.key, change.provider, work.blamed[change.root]))
    work.settle(Outcome(c.key, c.action, Result.REVERTED, work.blamed[c.root]) for c in changes)


def _not_undone(provider: Provider, error: ConduitError) -> RollbackFailed:
    summary = f"{provider.name} could not be put back: {error.diagnostics[0].summary}"
    return RollbackFailed(Diagnostic(NOT_UNDONE, summary, hint=f"look at {provider.name}, then run conduit diff"))
