"""Native: what the loop is at: whether it is held, what it leaves alone and why, what stops it; and holding it."""

from __future__ import annotations

from typing import Any, TypedDict, cast

from litestar.params import JSONBody
from pydantic import BaseModel, ConfigDict, Field

from conduit.api.auth import Caller, Who
from conduit.api.desk import Desk, Here
from conduit.api.envelopes import instant
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.plan_json import problem_document
from conduit.reconcile.suspension import resume, suspend, suspension
from conduit.settled import forget


class Suspending(BaseModel):
    """Why the loop is suspended, and when that ends by itself: a date, or a time with its zone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str = Field("", max_length=500)
    until: str = Field("", max_length=64)


class Suspended(TypedDict):
    """Since when the loop is suspended (RFC 3339), why, and until when; empty for an open end."""

    since: str
    reason: str
    until: str


class Held(TypedDict):
    """A change the loop leaves alone."""

    address: str
    reason: str


class LoopState(TypedDict):
    """The loop as it is now; `suspended` is null unless it is, `problems` are those of the last pass, as in a plan."""

    mode: str
    suspended: Suspended | None
    held: list[Held]
    problems: list[dict[str, Any]]
    passes: int
    last_pass: str | None


@route("GET", "/api/loop", "system:read", native=True, sync_to_thread=True, summary="What the loop is at")
def loop(desk: Here, caller: Who) -> LoopState:
    """Return the mode of the loop, its suspension if it is suspended, and what it does not do, with the reasons.

    Each caller is told of what is within reach, and of a problem its code.
    """
    return _state(desk, caller)


def _state(desk: Desk, caller: Caller) -> LoopState:
    """Return how the loop is, as a caller may see it."""
    status = desk.loop.status
    seen = status.snapshot
    state: LoopState = {
        "mode": desk.settings.reconcile.mode,
        "suspended": _suspended(desk),
        "held": [{"address": str(key), "reason": reason} for key, reason in sorted(seen.held.items())],
        "problems": [problem_document(problem) for problem in status.problems or seen.problems],
        "passes": status.passes,
        "last_pass": instant(seen.at) if seen.at else None,
    }
    return cast(LoopState, desk.sight(caller).document({**state}))


def _suspended(desk: Desk) -> Suspended | None:
    """Ask the state directory and not the last pass: somebody may have suspended the loop since."""
    engine = desk.passes.engine
    found = suspension(engine.state, engine.now())
    return Suspended(since=found.since, reason=found.reason, until=found.until) if found else None


@route("POST", "/api/loop/suspend", "system:write", native=True, sync_to_thread=True, summary="Suspend the loop")
def suspend_loop(desk: Here, caller: Who, data: JSONBody[Suspending]) -> LoopState:
    """Let the loop look and tell, and change nothing, until it is resumed. An apply that is asked for works as ever."""
    engine = desk.passes.engine
    try:
        suspend(engine.state, engine.now(), data.reason, data.until)
    except ValueError as error:
        raise ApiError(422, f"until: {error}", field="until") from error
    forget(engine.state)
    desk.record(caller, "suspend", data.reason or "suspended the loop")
    return _state(desk, caller)


@route("POST", "/api/loop/resume", "system:write", native=True, sync_to_thread=True, summary="Resume the loop")
def resume_loop(desk: Here, caller: Who) -> LoopState:
    """Let a suspended loop work again."""
    resume(desk.passes.engine.state)
    desk.record(caller, "resume", "resumed the loop")
    return _state(desk, caller)


ROUTES = (loop, suspend_loop, resume_loop)
