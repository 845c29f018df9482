"""Whether the server is alive, whether it is ready, and its figures: for machines, without a key."""

from __future__ import annotations

from typing import Any, TypedDict

from litestar import Response

from conduit.api.auth import PUBLIC
from conduit.api.controllers.tls import lives
from conduit.api.desk import Here
from conduit.api.metrics import exposition
from conduit.api.routing import route


class Ok(TypedDict):
    """Nothing more to say."""

    ok: bool


@route("GET", "/api/ping", PUBLIC, sync_to_thread=False, summary="Whether the server answers")
def ping() -> Ok:
    """Answer."""
    return {"ok": True}


@route("GET", "/healthz", PUBLIC, sync_to_thread=False, summary="Whether the process is alive")
def healthz() -> Ok:
    """Answer as long as the process runs."""
    return {"ok": True}


@route("GET", "/readyz", PUBLIC, sync_to_thread=False, summary="Whether it can do its work")
def readyz(desk: Here) -> Response[dict[str, Any]]:
    """Answer 200 when the manifests load and every daemon could be read, else 503 with the reasons."""
    snapshot = desk.passes.snapshot
    unknown = dict(snapshot.plan.unknown) if snapshot.plan else {"conduit": "no pass has ended yet"}
    problems = [each.summary for each in snapshot.problems]
    ready = not unknown and not problems
    body = {"ready": ready, "unknown": sorted(unknown), "problems": len(problems)}
    return Response(body, status_code=200 if ready else 503)


@route("GET", "/metrics", "system:read", sync_to_thread=True, media_type="text/plain", summary="Prometheus metrics")
def metrics(desk: Here) -> Response[bytes]:
    """Return the figures of this process and its site in Prometheus' text format."""
    return Response(exposition(desk, lives(desk)), media_type="text/plain; version=0.0.4; charset=utf-8")


ROUTES = (ping, healthz, readyz, metrics)
