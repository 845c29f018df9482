"""Events: a reader who reads is never let go, and one who comes back is told all, or that something is missing."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from conduit.api.events import QUEUE_BYTES, Bus, Reader
from conduit.api.memory import EVENT_BYTES, MISSED, REMEMBERED_BYTES, Sent

LONG = "x" * 1000


async def taken(bus: Bus, last: int | None = None) -> list[Sent]:
    return await bus.open("ann", last).take()


def numbers(events: list[Sent]) -> list[int]:
    return [each.number for each in events]


def published(bus: Bus, count: int) -> list[int]:
    """Publish so many events of a kilobyte; their numbers."""
    for number in range(count):
        bus.publish("progress", {"number": number, "text": LONG})
    return numbers(asyncio.run(taken(bus, 1)))


def test_who_comes_back_gets_all_that_is_remembered_however_much_it_is() -> None:
    """Regression: a reader who had missed more than a queue holds was let go again, each time it came back."""
    bus = Bus()
    (first, *rest) = published(bus, 3 * QUEUE_BYTES // len(LONG))[1:]
    again = asyncio.run(taken(bus, first))
    assert numbers(again) == rest
    assert sum(len(each.content) for each in again) > QUEUE_BYTES


def test_what_is_not_remembered_any_more_is_told_to_be_missing() -> None:
    bus = Bus()
    bus.publish("progress", {"number": 0})
    (oldest,) = numbers(asyncio.run(taken(bus, 1)))[1:]
    kept = published(bus, 1100)
    assert len(kept) == 1 + 1000
    missing, *events = asyncio.run(taken(bus, oldest))
    assert (missing.event, json.loads(missing.content)) == (MISSED, {"type": "missed"})
    assert numbers(events) == kept[1:]
    assert MISSED not in {each.event for each in asyncio.run(taken(bus, kept[5]))}
    assert asyncio.run(nothing(bus)), "who comes for the first time has missed nothing"


async def nothing(bus: Bus) -> bool:
    reader = bus.open("ann", None)
    bus.publish("plan", {})
    return [each.event for each in await reader.take()] == ["plan"]


def test_a_reader_of_an_earlier_process_is_told_that_it_missed_something() -> None:
    """Regression: numbers began anew with each process, so whoever had seen a high one was sent nothing."""
    before = Bus()
    last = published(before, 5)[-1]
    later = time.time() + 60
    with pytest.MonkeyPatch.context() as clock:
        clock.setattr(time, "time", lambda: later)
        after = Bus()
    kept = published(after, 2)[1:]
    assert min(kept) > last
    assert [each.event for each in asyncio.run(taken(after, last))] == [MISSED, "progress", "progress"]
    ahead = max(kept) + 10**9
    assert [each.event for each in asyncio.run(taken(after, ahead))] == [MISSED, "progress", "progress"]


def test_memory_is_bounded_whatever_is_published() -> None:
    """Regression: a thousand plans were kept whole, two megabytes each on a site of a thousand services."""
    bus = Bus()
    for _ in range(200):
        bus.publish("progress", {"text": "x" * (EVENT_BYTES - 100)})
    kept = asyncio.run(taken(bus, 1))
    assert sum(len(each.content) for each in kept) <= REMEMBERED_BYTES
    assert len(kept) > 10


def test_an_event_beyond_the_limit_comes_without_its_lists() -> None:
    """Regression: it was larger than the queue of a reader, so that every reader was let go."""
    bus = Bus()

    async def told(content: dict[str, Any]) -> dict[str, Any]:
        reader = bus.open("ann", None)
        bus.publish("plan", content)
        assert not reader.lost
        (event,) = await reader.take()
        found: dict[str, Any] = json.loads(event.content)
        return found

    plan = {"type": "plan", "summary": {"create": 3}, "resource_changes": [LONG] * 100, "warnings": []}
    assert asyncio.run(told(plan)) == {"type": "plan", "summary": {"create": 3}, "shortened": True}
    small = {"type": "plan", "resource_changes": [LONG]}
    assert asyncio.run(told(small)) == small


def test_a_reader_whose_server_has_ended_breaks_nothing() -> None:
    bus, readers = Bus(), list[Reader]()

    async def open_one() -> None:
        readers.append(bus.open("ann", None))

    asyncio.run(open_one())
    bus.publish("progress", {})
    assert len(readers) == 1


def test_a_change_of_hundreds_of_services_reaches_who_listens(served: Any) -> None:
    names = "".join(f"  many-{number}: {{upstream: '{served.echo}'}}\n" for number in range(400))
    assert served.conduit("suspend").code == 0
    try:
        with served.client.stream("GET", "/api/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": conduit"
            served.write("many.yaml", f"services:\n{names}")
            plan = next(_content(lines, "plan"))
            assert plan["shortened"]
            assert plan["summary"]["create"] > 400
            whole = served.api("GET", "/api/diff").json()
            assert next(_content(lines, "plan"))["plan_digest"] == whole["plan_digest"]
    finally:
        (served.desired / "many.yaml").unlink()
        assert served.conduit("resume").code == 0


def _content(lines: Any, event: str) -> Any:
    for line in lines:
        if line == f"event: {event}":
            yield json.loads(next(lines).removeprefix("data: "))
