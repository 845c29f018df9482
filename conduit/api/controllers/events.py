"""Native: what happens, as it happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import Request
from litestar.params import HeaderParameter
from litestar.response import Stream

from conduit.api.auth import Guard, Who
from conduit.api.desk import Here
from conduit.api.events import stream
from conduit.api.routing import route
from conduit.api.server import ABORT

LastEvent = Annotated[
    int | None, HeaderParameter(name="Last-Event-ID", ge=0, description="the last event that was seen")
]


@route("GET", "/api/events", "system:read", native=True, summary="Server-sent events", media_type="text/event-stream")
async def events(desk: Here, caller: Who, request: Request[Any, Any, Any], last: LastEvent = None) -> Stream:
    """Stream plans, progress, reports and changes of health; with Last-Event-ID first what was missed.

    A comment is sent every 15 s, and the stream ends after an hour. Five streams for each caller, or for each address
    without a key; 100 in all.
    """
    guard: Guard = request.app.state.guard
    reader = desk.bus.open(caller.name if caller.by != "anonymous" else caller.address, last)
    extensions: Mapping[str, Any] = request.scope.get("extensions") or {}
    body = stream(desk.bus, reader, lambda: guard.still_knows(request), extensions[ABORT])
    return Stream(body, media_type="text/event-stream")


ROUTES = (events,)
