"""Server-sent events: one bounded memory of what happened, and a bounded queue for each reader.

A reader that comes back names the last event it saw and gets what it missed, as far as it is remembered. One that does
not read is let go: its queue never holds more than `QUEUE_BYTES`.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

from conduit.api.errors import ApiError
from conduit.api.sight import Sight

REMEMBERED: Final = 1000
"""Events kept for readers that come back."""
QUEUE_BYTES: Final = 256 * 1024
PER_CALLER, IN_ALL = 5, 100
HEARTBEAT: Final = 15.0
ASKED: Final = 0.5
"""Seconds for which a reader is not asked again who it is: what was revoked has ended within a second."""
LONGEST: Final = 3600.0
"""Seconds after which a reader has to come back."""


class Sent(NamedTuple):
    """One event: its number, its name, and its content as it goes over the wire."""

    number: int
    event: str
    content: str

    @property
    def wire(self) -> bytes:
        """The event as bytes (HTML, section 9.2, server-sent events)."""
        return f"id: {self.number}\nevent: {self.event}\ndata: {self.content}\n\n".encode()

    def seen(self, sight: Sight) -> bytes:
        """Return what of it somebody sees, as bytes; nothing for an event about something else."""
        if sight.whole:
            return self.wire
        left = sight.event(json.loads(self.content))
        return b"" if left is None else self._replace(content=_compact(left)).wire


class Reader:
    """The queue of one reader, filled by other threads and emptied by its stream."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._arrived = loop, asyncio.Event()
        self._queue: deque[Sent] = deque()
        self._bytes = 0
        self.lost = False

    def put(self, event: Sent) -> None:
        """Add an event; a reader whose queue is full is lost."""
        if self._bytes + len(event.content) > QUEUE_BYTES:
            self.lost = True
        else:
            self._queue.append(event)
            self._bytes += len(event.content)
        self._wake()

    def end(self) -> None:
        """Let the stream end."""
        self.lost = True
        self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the server has ended, and nobody reads
            self._loop.call_soon_threadsafe(self._arrived.set)

    async def take(self) -> list[Sent]:
        """Return what has arrived, after a heartbeat's time nothing at all."""
        try:
            async with asyncio.timeout(HEARTBEAT):
                await self._arrived.wait()
        except TimeoutError:
            return []
        self._arrived.clear()
        found = []
        while self._queue:
            found.append(self._queue.popleft())
        self._bytes = 0
        return found


class Bus:
    """Where threads publish and streams read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory: deque[Sent] = deque(maxlen=REMEMBERED)
        self._readers: dict[Reader, str] = {}
        self._number = 0

    def publish(self, event: str, content: Any) -> None:
        """Send an event to everyone who reads."""
        with self._lock:
            self._number += 1
            sent = Sent(self._number, event, _compact(content))
            self._memory.append(sent)
            for reader in self._readers:
                reader.put(sent)

    def open(self, caller: str, last: int | None) -> Reader:
        """Return a new reader, who gets first what came after the event `last`. Raises `ApiError` 429."""
        with self._lock:
            counts = Counter(self._readers.values())
            if counts[caller] >= PER_CALLER or counts.total() >= IN_ALL:
                raise ApiError(429, "too many event streams are open", headers={"Retry-After": "15"})
            reader = Reader(asyncio.get_running_loop())
            for sent in self._memory if last is not None else ():
                if sent.number > (last or 0):
                    reader.put(sent)
            self._readers[reader] = caller
        return reader

    def close(self, reader: Reader) -> None:
        """Forget a reader."""
        with self._lock:
            self._readers.pop(reader, None)

    def end(self) -> None:
        """End every stream."""
        with self._lock:
            for reader in self._readers:
                reader.end()

    @property
    def readers(self) -> int:
        """How many streams are open."""
        return len(self._readers)


async def stream(
    bus: Bus, reader: Reader, welcome: Callable[[], Awaitable[Sight | None]], abort: Callable[[], None]
) -> AsyncIterator[bytes]:
    """Yield what a reader sees of events until it is lost, not welcome any more, or an hour has passed.

    `welcome` tells what it sees, None when it is not welcome; it is asked before events leave, once in `ASKED` seconds.
    `abort` ends the connection of one that does not read.
    """
    loop = asyncio.get_running_loop()
    end, asked, sight = loop.time() + LONGEST, loop.time(), await welcome()
    guard = loop.create_task(_let_go(reader, abort))
    try:
        yield b": conduit\n\n"
        while sight and not reader.lost and loop.time() < end:
            events = await reader.take()
            if loop.time() >= asked + ASKED:
                asked, sight = loop.time(), await welcome()
            if sight:
                yield b"".join(sent.seen(sight) for sent in events) or b": still here\n\n"
    finally:
        guard.cancel()
        bus.close(reader)


def _compact(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


async def _let_go(reader: Reader, abort: Callable[[], None]) -> None:
    """Abort the connection of a reader that is lost: its stream itself waits for the socket and cannot."""
    while not reader.lost:
        await asyncio.sleep(1)
    abort()
