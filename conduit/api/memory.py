"""Events of the last while, numbered and bounded, for readers that come back. Not safe for threads by itself."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.api.sight import Sight

REMEMBERED, REMEMBERED_BYTES = 1000, 4 * 2**20
"""How many events are kept, and how much of them."""
EVENT_BYTES: Final = 64 * 1024
"""A larger event leaves without its lists, which can be asked for."""
SHORTENED: Final = {"shortened": True}
MISSED: Final = "missed"
"""The event that tells a reader to look at everything anew."""


class Sent(Struct, frozen=True):
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
        return b"" if left is None else replace(self, content=compact(left)).wire


class Memory:
    """Numbers events and keeps the last of them."""

    def __init__(self) -> None:
        self._kept: deque[Sent] = deque()
        self._bytes = 0
        self._number = int(time.time() * 1000)
        """Goes up by one with each event: slower than the clock, so that no later process gives a number again."""

    def add(self, event: str, content: Mapping[str, Any]) -> Sent:
        """Number an event and keep it; return it as it is to be sent."""
        text = compact(content)
        if len(text) > EVENT_BYTES:
            text = compact({name: value for name, value in content.items() if not isinstance(value, list)} | SHORTENED)
        self._number += 1
        sent = Sent(self._number, event, text)
        self._kept.append(sent)
        self._bytes += len(text)
        while len(self._kept) > REMEMBERED or self._bytes > REMEMBERED_BYTES:
            self._bytes -= len(self._kept.popleft().content)
        return sent

    def since(self, last: int) -> Iterator[Sent]:
        """Yield what came after an event, or `MISSED` and all there is: it was long ago, or of another process."""
        oldest = self._kept[0].number if self._kept else self._number + 1
        if not oldest - 1 <= last <= self._number:
            yield Sent(oldest - 1, MISSED, compact({"type": MISSED}))
            last = 0
        yield from (sent for sent in self._kept if sent.number > last)


def compact(content: Any) -> str:
    """Return JSON without spaces."""
    return json.dumps(content, separators=(",", ":"))
