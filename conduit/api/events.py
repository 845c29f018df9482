"""Server-sent events: one bounded memory of what happened, and a bounded queue for each reader.

A reader that comes back names the last event it saw and gets what came since, as far as it is remembered. One that does
not read is let go: its queue holds no more than `QUEUE_BYTES` of what is new.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from conduit.api.errors import ApiError
from conduit.api.memory import Memory, Sent
from conduit.api.sight import Sight

QUEUE_BYTES: Final = 256 * 1024
PER_CALLER, IN_ALL = 5, 100
HEARTBEAT: Final = 15.0
ASKED: Final = 0.5
"""Seconds for which a reader is not asked again who it is: what was revoked has ended within a second."""
LONGEST: Final = 3600.0
"""Seconds after which a reader has to come back."""


class Reader:
    """The queue of one reader, filled by other threads and emptied by its stream."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._arrived = loop, asyncio.Event()
        self._queue: deque[Sent] = deque()
        self._bytes = 0
        self.lost = False

    def catch_up(self, events: Iterable[Sent]) -> None:
        """Begin with events that are remembered for everyone, whatever they come to."""
        self._queue.extend(events)
        self._wake()

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
        self._memory = Memory()
        self._readers: dict[Reader, str] = {}

    def publish(self, event: str, content: Mapping[str, Any]) -> None:
        """Send an event to everyone who reads."""
        with self._lock:
            sent = self._memory.add(event, content)
            for reader in self._readers:
                reader.put(sent)

    def open(self, caller: str, last: int | None) -> Reader:
        """Return a new reader, who gets first what came after the event `last`. Raises `ApiError` 429."""
        with self._lock:
            counts = Counter(self._readers.values())
            if counts[caller] >= PER_CALLER or counts.total() >= IN_ALL:
                raise ApiError(429, "too many event streams are open", headers={"Retry-After": "15"})
            reader = Reader(asyncio.get_running_loop())
            if last is not None:
                reader.catch_up(self._memory.since(last))
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


async def _let_go(reader: Reader, abort: Callable[[], None]) -> None:
    """Abort the connection of a reader that is lost: its stream itself waits for the socket and cannot."""
    while not reader.lost:
        await asyncio.sleep(1)
    abort()
