"""Wait for what an apply has just made, before anything that depends on it goes."""

from __future__ import annotations

import time
from collections.abc import Iterable

from msgspec.structs import replace

from conduit.change import Change, Outcome, Readiness, Result
from conduit.model import Key
from conduit.providers.base import ObjectProvider
from conduit.report import Event, EventKind
from conduit.work import Work

PAUSE = 0.05
"""Seconds between the first looks at objects that are not ready yet."""
LONGEST_PAUSE = 0.5
"""Seconds between later ones."""


def when_ready(
    work: Work, provider: ObjectProvider, changes: Iterable[Change], outcomes: dict[Key, Outcome]
) -> dict[Key, Outcome]:
    """Return the outcomes once each change that was made is ready; one that does not become so has failed.

    An object has the time of `work.options`, or more when it says so itself.
    """
    started, pause, final = time.monotonic(), PAUSE, dict(outcomes)
    told: dict[Key, str] = {}
    waiting = [change for change in changes if outcomes[change.key].result is Result.OK]
    while waiting:
        found = {change.key: provider.ready(change) for change in waiting}
        elapsed = time.monotonic() - started
        for change in waiting:
            why = _given_up(work, found[change.key], elapsed)
            if why:
                final[change.key] = replace(final[change.key], result=Result.FAILED, reason=why)
        waiting = [c for c in waiting if not found[c.key].ready and final[c.key].result is Result.OK]
        for change in waiting:
            _tell(work, change, found[change.key].detail, told)
        if waiting:
            soonest = [found[change.key].soonest for change in waiting]
            time.sleep(max(soonest) if all(soonest) else pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)
    return final


def _tell(work: Work, change: Change, detail: str, told: dict[Key, str]) -> None:
    """Tell what is waited for, once until it is something else."""
    if told.get(change.key) != detail:
        told[change.key] = detail
        work.listen(Event(EventKind.WAITING, change.key, change.provider, detail))


def _given_up(work: Work, found: Readiness, elapsed: float) -> str:
    """Return why there is no use in waiting longer; empty when there is, or no need to."""
    if found.ready:
        return ""
    if work.stop.is_set():
        work.interrupted = True
        return f"interrupted before it was ready: {found.detail}"
    if not found.wait:
        return found.detail
    patience = max(work.options.timeout, found.patience)
    return f"not ready after {patience:g} s: {found.detail}" if elapsed >= patience else ""
