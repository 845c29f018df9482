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


class Verified(TypedDict):
    """Whether the trail holds: entries `first` to `last`, signed up to `signed`; else the first bad one in `bad`.

    `warnings` tell which places outside could not be asked, or know a foreign trail.
    """

    holds: bool
    first: int
    last: int
    signed: int
    bad: str | None
    warnings: list[str]


@route("GET", "/api/audit/verify", "audit:read", native=True, sync_to_thread=True, summary="Whether the trail holds")
def verify(desk: Here) -> Verified:
    """Check the whole trail against its chain, its signed checkpoints and the places outside that know of it."""
    verdict, problems = desk.upkeep.verify()
    return {
        "holds": verdict.bad is None,
        "first": verdict.first,
        "last": verdict.last,
        "signed": verdict.signed,
        "bad": str(verdict.bad) if verdict.bad else None,
        "warnings": [each.summary for each in problems],
    }


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


ROUTES = (audit, verify)
