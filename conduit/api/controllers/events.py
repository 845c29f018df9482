"""Native: what happens, as it happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from litestar import Request
from litestar.params import HeaderParameter
from litestar.response import Stream

from conduit.api.auth import Guard, Who
from conduit.api.desk import Here
from conduit.api.events import stream
from conduit.api.routing import route
from conduit.api.server import ABORT
from conduit.api.sight import Sight

LastEvent = Annotated[
    int | None, HeaderParameter(name="Last-Event-ID", ge=0, description="the last event that was seen")
]


READING: Final = "system:read"


@route("GET", "/api/events", READING, native=True, summary="Server-sent events", media_type="text/event-stream")
async def events(desk: Here, caller: Who, request: Request[Any, Any, Any], last: LastEvent = None) -> Stream:
    """Stream plans, progress, reports and changes of health; with Last-Event-ID first what came since.

    An event `missed` tells that not all of that is known any more. A plan or report beyond 64 KiB comes without its
    lists and with `shortened`; GET /api/diff and GET /api/runs have them. Each caller gets what is about resources
    within reach.
    A comment is sent every 15 s, and the stream ends after an hour. Five streams for each caller, or for each address
    without a key; 100 in all.
    """
    guard: Guard = request.app.state.guard
    reader = desk.bus.open(caller.name if caller.by != "anonymous" else caller.address, last)
    extensions: Mapping[str, Any] = request.scope.get("extensions") or {}

    async def welcome() -> Sight | None:
        known = await guard.still_knows(request, READING)
        return desk.sight(known) if known else None

    body = stream(desk.bus, reader, welcome, extensions[ABORT])
    return Stream(body, media_type="text/event-stream")


ROUTES = (events,)
