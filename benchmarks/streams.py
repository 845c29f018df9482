"""How soon everybody who reads the stream of events has an event, with as many readers as there may be."""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import Final

from figure import Figure
from served import Served, serving

READERS: Final = 100
PER_ADDRESS: Final = 5
EVENTS: Final = 20


async def _read(world: Served, number: int, arrivals: dict[bytes, list[float]], opened: asyncio.Semaphore) -> None:
    """Read one stream from an address of its own for each five, and note when each event came."""
    here = (f"127.0.0.{1 + number // PER_ADDRESS}", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port, local_addr=here)
    writer.write(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{world.port}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    await reader.readuntil(b": conduit\n\n")
    opened.release()
    try:
        while True:
            line = await reader.readline()
            if line.startswith(b"id: "):
                arrivals.setdefault(line, []).append(time.monotonic())
    finally:
        writer.close()


async def _spread(world: Served, readers: int, events: int) -> list[float]:
    """Return, for each event, the seconds between its first reader and its last."""
    arrivals: dict[bytes, list[float]] = {}
    opened = asyncio.Semaphore(0)
    reading = [asyncio.create_task(_read(world, number, arrivals, opened)) for number in range(readers)]
    for _ in reading:
        await asyncio.wait_for(opened.acquire(), 30)
    took = []
    for _ in range(events):
        arrivals.clear()
        await asyncio.to_thread(world.client.get, "/api/diff")
        async with asyncio.timeout(30):
            while not any(len(times) == readers for times in arrivals.values()):
                await asyncio.sleep(0.005)
        took.append(max(max(times) - min(times) for times in arrivals.values() if len(times) == readers))
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    return took


def streams(readers: int = READERS, events: int = EVENTS) -> Figure:
    """Let everybody read while plans are made."""
    with serving(0) as world:
        took = asyncio.run(_spread(world, readers, events))
    beside = f"the slowest of {events} events {1000 * max(took):.0f} ms"
    what = f"an event, from the first to the last of {readers} readers"
    return Figure(what, 0, 1000 * median(took), " ms", None, beside)
