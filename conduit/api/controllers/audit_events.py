"""Audit: the events of the trail by what one looks for, their counts, an export, and an end to old ones."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypedDict

from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Stream
from pydantic import BaseModel, ConfigDict, Field

from conduit.api.auth import Who
from conduit.api.desk import Here
from conduit.api.envelopes import instant
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.audit.events import event_of
from conduit.audit.export import exported
from conduit.audit.index import Filter
from conduit.chain import Entry

MOST_SHOWN: Final = 1000
MOST_EXPORTED: Final = 100_000
TREND_DAYS: Final = 30
TOP_ACTORS: Final = 10
DAY: Final = 86400.0
ALIASES: Final = {"jwt": "user"}
"""What clients call a sort of actor, where it is not our word."""
TYPES: Final = {"json": "application/json", "csv": "text/csv; charset=utf-8"}
Text = Annotated[str | None, QueryParameter(max_length=256)]
Flag = Annotated[bool | None, QueryParameter()]
Number = Annotated[int, QueryParameter()]


class Events(TypedDict):
    """Some events, newest first, and how many are meant in all."""

    events: list[dict[str, Any]]
    total: int
    limit: int
    offset: int


class Actor(TypedDict):
    """Somebody, how much they did, and when last."""

    actor_id: str
    actor_type: str
    event_count: int
    last_seen: str | None


class Day(TypedDict):
    """One day and how many events it has."""

    date: str
    count: int


class Stats(TypedDict):
    """Counts of the whole trail; the trend is of the last 30 days, for days that have events."""

    total_events: int
    last_24_hours: int
    last_7_days: int
    by_action: dict[str, int]
    by_actor_type: dict[str, int]
    by_resource_type: dict[str, int]
    failure_count: int
    top_actors: list[Actor]
    events_trend: list[Day]


class Cleaned(TypedDict):
    """How many events are gone."""

    message: str
    deleted: int


class Wanted(BaseModel):
    """Which events to export, in which form; times are RFC 3339."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal["json", "csv"] = "json"
    actor_id: str | None = Field(None, max_length=256)
    actor_type: str | None = Field(None, max_length=256)
    action: str | None = Field(None, max_length=256)
    resource_type: str | None = Field(None, max_length=256)
    start_time: str | None = Field(None, max_length=64)
    end_time: str | None = Field(None, max_length=64)
    limit: int = Field(10_000, ge=1, le=MOST_EXPORTED)


@route("GET", "/api/audit/events", "audit:read", sync_to_thread=True, summary="The events that are looked for")
def events(
    desk: Here,
    actor_id: Text = None,
    actor_type: Text = None,
    action: Text = None,
    resource_type: Text = None,
    resource_id: Text = None,
    success: Flag = None,
    client_ip: Text = None,
    start_time: Text = None,
    end_time: Text = None,
    limit: Number = 50,
    offset: Number = 0,
) -> Events:
    """Return events, newest first. A limit that is not 1 to 1000 is 50."""
    asked = ALIASES.get(actor_type or "", actor_type)
    between = _time("start_time", start_time), _time("end_time", end_time)
    wanted = Filter(actor_id, asked, action, resource_type, resource_id, client_ip, success, *between)
    shown, first = limit if 1 <= limit <= MOST_SHOWN else 50, min(max(offset, 0), 2**62)
    found, total = desk.audit_index.find(wanted, shown, first)
    return {"events": [event_of(entry) for entry in found], "total": total, "limit": shown, "offset": first}


@route("GET", "/api/audit/events/{event:str}", "audit:read", sync_to_thread=True, summary="One event")
def event(desk: Here, event: FromPath[str]) -> dict[str, Any]:
    """Return the event of a number or a uuid."""
    known = len(event) <= 36 and event.isascii()
    found = desk.audit_index.one(event) if known and not (event.isdecimal() and len(event) > 18) else None
    if found is None:
        raise ApiError(404, "there is no such audit event")
    return event_of(found)


@route("GET", "/api/audit/stats", "audit:read", sync_to_thread=True, summary="Counts of the events")
def stats(desk: Here) -> Stats:
    """Return counts of the whole trail."""
    index, now = desk.audit_index, time.time()
    outcomes, days = index.counts("success"), index.counts("day", now - TREND_DAYS * DAY)
    return {
        "total_events": sum(outcomes.values()),
        "last_24_hours": sum(index.counts("success", now - DAY).values()),
        "last_7_days": sum(index.counts("success", now - 7 * DAY).values()),
        "by_action": index.counts("action"),
        "by_actor_type": index.counts("actor_type"),
        "by_resource_type": index.counts("resource_type"),
        "failure_count": outcomes.get("0", 0),
        "top_actors": [_actor(*each) for each in index.actors(TOP_ACTORS)],
        "events_trend": [{"date": date, "count": count} for date, count in sorted(days.items())],
    }


@route("POST", "/api/audit/export", "audit:read", summary="Events as a file")
async def export(desk: Here, caller: Who, data: Annotated[Wanted, Body(description="which, and how")]) -> Stream:
    """Return events as an attachment, newest first: an indented JSON array, or CSV that no spreadsheet computes."""
    await asyncio.to_thread(desk.audit.require)
    found = await asyncio.to_thread(desk.audit_index.stream, _meant(data), data.limit)
    desk.record(caller, "audit_export", f"exported the audit trail as {data.format}")
    name = f"audit_export_{datetime.now(UTC):%Y%m%d_%H%M%S}.{data.format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(_bytes(found, data.format), media_type=TYPES[data.format], headers=headers)


@route("DELETE", "/api/audit/cleanup", "settings:write", summary="Remove events that were kept long enough")
async def cleanup(desk: Here, caller: Who) -> Cleaned:
    """Remove the segments older than audit.retention; a signed note of where the trail begins stays."""
    deleted = await asyncio.to_thread(desk.upkeep.remove_old)
    desk.record(caller, "audit_cleanup", f"removed {deleted} old entries", details={"deleted": deleted})
    return {"message": f"{deleted} audit events were removed", "deleted": deleted}


def _meant(data: Wanted) -> Filter:
    sort = ALIASES.get(data.actor_type or "", data.actor_type)
    start, end = _time("start_time", data.start_time), _time("end_time", data.end_time)
    return Filter(data.actor_id, sort, data.action, data.resource_type, start=start, end=end)


def _time(name: str, text: str | None) -> float | None:
    """Return a time as seconds since the epoch. Raises `ApiError` 400."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise ApiError(400, f"{name} is not a time as RFC 3339 writes it", field=name) from None


def _actor(name: str, sort: str, count: int, last: float) -> Actor:
    return {"actor_id": name, "actor_type": sort, "event_count": count, "last_seen": instant(last)}


def _bytes(found: Iterator[Entry], form: str) -> Iterator[bytes]:
    return (part.encode() for part in exported(found, form))


ROUTES = (events, event, stats, export, cleanup)
