"""What keeps a change of an apply from being made now, and in which words that is told."""

from __future__ import annotations

from collections.abc import Iterable

from conduit.change import Change, Outcome, Result
from conduit.work import BAD, Work


def passable(work: Work, changes: Iterable[Change]) -> list[Change]:
    """Return the changes that may be made now; the others are skipped with their reason."""
    if _smooth(work):
        return list(changes)
    passed, skipped = [], []
    for change in changes:
        reason = _obstacle(work, change)
        if reason:
            skipped.append(Outcome(change.key, change.action, Result.SKIPPED, reason))
            work.note(skipped[-1])
        else:
            passed.append(change)
    work.settle(skipped)
    return passed


def unhindered(work: Work, changes: Iterable[Change]) -> list[Change]:
    """Return the changes that may be made now."""
    return list(changes) if _smooth(work) else [change for change in changes if not _obstacle(work, change)]


def _obstacle(work: Work, change: Change) -> str:
    """Return why a change must not be made now; empty when it may."""
    if work.stop.is_set():
        work.interrupted = True
        return "interrupted before it began"
    if work.stale:
        return "the live state moved while this plan was applied"
    if change.provider not in work.readings:
        return f"{change.provider} cannot be read any more"
    if change.root in work.blamed:
        return f"{change.root} failed: {work.blamed[change.root]}"
    for dependency in work.desired.edges.get(change.key, ()):
        if dependency in work.plan.unjudged:
            return f"it needs {dependency}, which is unknown: {work.plan.unjudged[dependency]}"
        outcome = work.outcomes.get(dependency)
        if outcome and outcome.result in BAD:
            return f"it needs {dependency}, which {outcome.result}"
    if change.want is not None and work.resolved(change) is None:
        return "a value it needs did not become known"
    return _still_led_to(work, change)


def _still_led_to(work: Work, change: Change) -> str:
    """Return why what a change takes away may still be asked for; empty when it may go.

    Documents come up in the order of their providers, and what one lets go is let go by those before it first: a
    name is gone before the site it leads to.
    """
    if not work.keeping and len(work.readings) == len(work.providers):
        return ""
    before = [name for name in work.providers if work.document(name) and _comes_before(work, name, change.provider)]
    keeping = [name for name in before if name not in work.readings or name in work.keeping]
    if not keeping or not work.lets_go(change):
        return ""
    return f"{keeping[0]} may still lead to what it takes away"


def _comes_before(work: Work, name: str, provider: str) -> bool:
    return work.providers[name].order < work.providers[provider].order


def _smooth(work: Work) -> bool:
    """Whether nothing is known that could keep any change from being made, so that none need be looked at."""
    known = work.stale or work.blamed or work.keeping or work.late or work.plan.unjudged
    return not (known or work.stop.is_set() or len(work.readings) < len(work.providers))
