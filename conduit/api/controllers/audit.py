"""Audit: who did what, newest first."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from litestar.params import Parameter

from conduit.api.desk import Here
from conduit.api.routing import route
from conduit.chain import Entry as Stored

Limit = Annotated[int, Parameter(ge=1, le=500, description="at most so many")]


class Entry(TypedDict):
    """One act; the address is the peer's own."""

    timestamp: str
    action: str
    status: str
    message: str
    user: str
    details: dict[str, Any]
    address: str


class Entries(TypedDict):
    """The newest acts, and how many there are in all."""

    entries: list[Entry]
    total: int


@route("GET", "/api/audit", "audit:read", sync_to_thread=True, summary="The audit trail, newest first")
def audit(desk: Here, limit: Limit = 50) -> Entries:
    """Return the newest entries of the audit trail."""
    return {"entries": [view(entry) for entry in desk.audit.newest(limit)], "total": desk.audit.total}


def view(stored: Stored) -> Entry:
    """Return an entry as clients of the documented API read it."""
    data = stored.data
    return {
        "timestamp": stored.time,
        "action": stored.event,
        "status": data["status"],
        "message": data["message"],
        "user": data["user"],
        "details": data["details"],
        "address": data["address"],
    }


ROUTES = (audit,)
