"""Read back what was applied: success is measured, never assumed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from conduit.change import Action, Change, Outcome, Result
from conduit.errors import ConduitError
from conduit.kind import Context, Kind
from conduit.model import FRAME, Key, Live
from conduit.work import Work


def verify_objects(work: Work) -> None:
    """Read back every provider of objects that was changed, and fail every change that does not hold."""
    names = {name for name in work.providers if not work.document(name)}
    own = [change for change in work.plan.changes if change.provider in names and _is_done(work, change)]
    for provider in dict.fromkeys(change.provider for change in own):
        _refresh(work, provider, {change.key for change in own if change.provider == provider})
    verify(work, own)


def verify(work: Work, changes: Iterable[Change]) -> None:
    """Fail every change that was made and does not hold, by what was read back of its provider."""
    by_kind: dict[str, list[Change]] = {}
    for change in changes:
        if _is_done(work, change):
            by_kind.setdefault(change.key.kind, []).append(change)
    found = (each for kind, done in by_kind.items() for each in _judged(work, kind, done))
    work.settle([Outcome(c.key, c.action, Result.FAILED, reason) for c, reason in found if reason])


def _judged(work: Work, name: str, changes: list[Change]) -> Iterator[tuple[Change, str]]:
    """Yield changes of one kind, each with what is wrong with it; a change that holds may be left out."""
    if name == FRAME:
        yield from ((change, _frame_trouble(work, change)) for change in changes)
        return
    kind = work.kinds[name]
    ctx = work.context(kind.provider)
    lives = work.lives(kind, {change.key for change in changes})
    document = work.document(kind.provider) is not None
    for change in changes:
        found = lives.get(change.key, [])
        if not (document and _as_written(change, found)):
            yield change, _why_not(work, kind, ctx, change, found)


def _as_written(change: Change, found: list[Live]) -> bool:
    """Tell whether a block of a document is there once and says just what was written, as nearly all do."""
    want = change.want
    if want is None or len(found) != 1:
        return False
    return bool(found[0].native == change.native) and found[0].protected == want.protect


def _is_done(work: Work, change: Change) -> bool:
    """Tell a change that was made from the later removal of an older generation, which has the same key."""
    outcome = work.outcomes.get(change.key)
    return outcome is not None and outcome.result is Result.OK and outcome.action is change.action


def _refresh(work: Work, name: str, changed: Collection[Key]) -> None:
    try:
        work.readings[name] = work.providers[name].read_again(work.readings[name], changed)
    except ConduitError as error:
        for change in work.plan.changes:
            if change.provider == name and change.key in work.outcomes:
                reason = f"could not be read back: {error.diagnostics[0].summary}"
                work.settle([Outcome(change.key, change.action, Result.FAILED, reason)])


def _why_not(work: Work, kind: Kind[Any], ctx: Context, change: Change, found: list[Live]) -> str:
    """Return in words why a change does not hold; empty when it does."""
    if change.action is Action.DELETE:
        return "it is still there after its removal" if found else ""
    wish = work.resolved(change)
    if wish is None:
        return "a value it needs did not become known"
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
