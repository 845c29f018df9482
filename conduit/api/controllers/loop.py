"""Native: what the loop is at: whether it is held, what it leaves alone and why, and what keeps it from working."""

from __future__ import annotations

from typing import Any, TypedDict

from conduit.api.desk import Desk, Here
from conduit.api.envelopes import instant
from conduit.api.routing import route
from conduit.plan_json import problem_document
from conduit.reconcile.suspension import suspension


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
def loop(desk: Here) -> LoopState:
    """Return the mode of the loop, its suspension if it is suspended, and what it does not do, with the reasons."""
    status = desk.loop.status
    seen = status.snapshot
    return {
        "mode": desk.settings.reconcile.mode,
        "suspended": _suspended(desk),
        "held": [{"address": str(key), "reason": reason} for key, reason in sorted(seen.held.items())],
        "problems": [problem_document(problem) for problem in status.problems or seen.problems],
        "passes": status.passes,
        "last_pass": instant(seen.at) if seen.at else None,
    }


def _suspended(desk: Desk) -> Suspended | None:
    """Ask the state directory and not the last pass: somebody may have suspended the loop since."""
    engine = desk.worker.engine
    found = suspension(engine.state, engine.now())
    return Suspended(since=found.since, reason=found.reason, until=found.until) if found else None


ROUTES = (loop,)
