"""Native: the scheduled tasks as they are live: when each was done last, how that ended, and when it is next."""

from __future__ import annotations

from typing import TypedDict, cast

from conduit.api.auth import Who
from conduit.api.desk import Here
from conduit.api.routing import route
from conduit.model import FRAME, Key, Live


class TaskState(TypedDict):
    """One live task; times are RFC 3339, null for never. `scheduled` tells whether its scheduler is alive."""

    name: str
    schedule: str
    timezone: str
    action: str
    subject: str
    run_as: str
    enabled: bool
    last_run: str | None
    result: str
    reason: str
    next_run: str | None
    scheduled: bool


class Tasks(TypedDict):
    """All live tasks."""

    tasks: list[TaskState]


@route("GET", "/api/tasks", "scheduler:read", native=True, sync_to_thread=True, summary="The scheduled tasks")
def tasks(desk: Here, caller: Who) -> Tasks:
    """Return the live tasks, those about a resource if that is within reach."""
    sight = desk.sight(caller)
    found = [(Key.parse(live.native["subject"]), live) for live in desk.reader.live("task") if live.owned]
    return {"tasks": [_state(live) for subject, live in found if subject.kind == FRAME or sight.sees(subject)]}


def _state(live: Live) -> TaskState:
    told = {name: value for name, value in live.status.items() if name != "note"}
    return cast(TaskState, {"name": live.key.name, **live.native, **told})


ROUTES = (tasks,)
