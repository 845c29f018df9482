"""Read back what was applied: success is measured, never assumed."""

from __future__ import annotations

from conduit.change import Action, Change, Outcome, Result
from conduit.errors import ConduitError
from conduit.model import FRAME, Key, Live
from conduit.work import Work


def verify(work: Work) -> None:
    """Read back every provider that was changed, and fail every change that does not hold."""
    done = [change for change in work.plan.changes if _is_done(work, change)]
    for provider in dict.fromkeys(change.provider for change in done):
        _refresh(work, provider)
    keys = {change.key for change in done}
    lives: dict[Key, list[Live]] = {}
    for name in {key.kind for key in keys} - {FRAME}:
        lives |= work.lives(work.kinds[name], keys)
    failed = []
    for change in done:
        reason = _why_not(work, change, lives.get(change.key, []))
        if reason:
            failed.append(Outcome(change.key, change.action, Result.FAILED, reason))
    if failed:
        work.settle(failed)


def _is_done(work: Work, change: Change) -> bool:
    """Tell a change that was made from the later removal of an older generation, which has the same key."""
    outcome = work.outcomes.get(change.key)
    return outcome is not None and outcome.result is Result.OK and outcome.action is change.action


def _refresh(work: Work, name: str) -> None:
    """Read an object provider again; a document's reading after its commit is fresh already."""
    if work.document(name):
        return
    try:
        work.readings[name] = work.providers[name].read()
    except ConduitError as error:
        for change in work.plan.changes:
            if change.provider == name and change.key in work.outcomes:
                reason = f"could not be read back: {error.diagnostics[0].summary}"
                work.settle([Outcome(change.key, change.action, Result.FAILED, reason)])


def _why_not(work: Work, change: Change, found: list[Live]) -> str:
    """Return in words why a change does not hold; empty when it does."""
    if change.key.kind == FRAME:
        return _frame_trouble(work, change)
    if change.action is Action.DELETE:
        return "it is still there after its removal" if found else ""
    wish = work.resolved(change)
    if wish is None:
        return "a value it needs did not become known"
    kind = work.kinds[change.key.kind]
    ctx = work.context(change.provider)
    native = change.native if wish is change.want else kind.render(wish.spec, ctx)
    diffs = [kind.differs(wish, native, live, ctx) for live in found]
    if None in diffs:
        return ""
    if not diffs:
        return "it is not there after it was written"
    fields = ", ".join(field.path for field in diffs[0].fields) if diffs[0] else ""
    return f"it reads back different from what was written: {fields or 'see conduit diff'}"


def _frame_trouble(work: Work, change: Change) -> str:
    provider, reading = work.document(change.provider), work.readings[change.provider]
    if provider is None or reading.stale:
        return reading.stale
    return "" if provider.frame(reading.owned()) == reading.frame else "the frame reads back different"
