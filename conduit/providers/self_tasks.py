"""The tasks in self.db: what of them is live only, the taking of an instant, and the scheduler's signs of life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from conduit.cron import following
from conduit.measures import rfc3339
from conduit.model import Key, Live
from conduit.providers.self_objects import Mark, live_of
from conduit.providers.self_rows import Beat, Task
from conduit.providers.self_store import SelfStore

SCHEDULER: Final = "scheduler"
TURN: Final = 10.0
"""Seconds between two signs of life of the scheduler."""
LOST: Final = 3 * TURN
"""Seconds without one after which nothing is scheduled."""
LONGEST: Final = 500
"""Characters kept of why something ended as it did."""
OK: Final = "ok"
BEGUN, DENIED, FAILED = "begun", "denied", "failed"
"""How the last time ended, unless it was `OK`; one that only began was killed."""


def key_of(task: Task) -> Key:
    """Return the key of a task."""
    return Key("task", task.name)


def ours(tasks: Iterable[Task], mark: Mark) -> list[Task]:
    """Return the tasks that carry this site's mark; what somebody else put there is never done."""
    return [task for task in tasks if live_of(key_of(task).kind, task, mark, str).owned]


def with_status(lives: Iterable[Live], tasks: Iterable[Any], beat: Beat | None, now: float) -> tuple[Live, ...]:
    """Return live tasks, ours with what is no manifest's: when it was done last, how that ended, when it is next."""
    rows: dict[Key, Task] = {key_of(task): task for task in tasks}
    return tuple(replace(live, status=status_of(rows[live.key], beat, now)) if live.owned else live for live in lives)


def status_of(task: Task, beat: Beat | None, now: float) -> Mapping[str, Any]:
    """Return the status of a task; the times are RFC 3339, None for never. `note` says it in words."""
    scheduled = beat is not None and now - beat.at <= LOST
    later = following(task.schedule, task.timezone, now) if task.enabled and scheduled else None
    status = {
        "last_run": None if task.ran_at is None else rfc3339(task.ran_at),
        "result": task.result,
        "reason": task.reason,
        "next_run": None if later is None else rfc3339(later),
        "scheduled": scheduled,
    }
    return status | {"note": "; ".join(_words(task, status))}


def _words(task: Task, status: Mapping[str, Any]) -> Iterable[str]:
    if not task.enabled:
        yield "not enabled"
    elif not status["scheduled"]:
        yield "not scheduled: nothing runs `conduit serve`"
    else:
        yield f"next run {status['next_run'] or 'never'}"
    if task.ran_at is not None:
        yield f"last run {status['last_run']}: {task.result}" + (f", {task.reason}" if task.reason else "")


def take(store: SelfStore, task: Task, instant: float, now: float) -> bool:
    """Write down that an instant of a task is taken; False when the task is another one by now, or somebody was first.

    Raises `Unreadable`, OSError.
    """
    with store.writing() as tables:
        if tables.find(Task, name=task.name) != task:
            return False
        tables.put(task._replace(since=instant, ran_at=now, result=BEGUN, reason=""))
    return True


def finish(store: SelfStore, task: Task, instant: float, result: str, reason: str) -> None:
    """Write down how it ended, unless the task was declared anew meanwhile. Raises `Unreadable`, OSError."""
    with store.writing() as tables:
        row = tables.find(Task, name=task.name)
        if row is not None and row.since == instant:
            tables.put(row._replace(result=result, reason=reason[:LONGEST]))


def beat(store: SelfStore, now: float) -> None:
    """Give a sign of life of the scheduler. Raises `Unreadable`, OSError."""
    with store.writing() as tables:
        tables.put(Beat(SCHEDULER, now))


def rest(store: SelfStore) -> None:
    """Take the scheduler's sign of life back: it has ended. Raises `Unreadable`, OSError."""
    with store.writing() as tables:
        tables.delete(Beat, name=SCHEDULER)
