"""How every declared resource is doing, asked again and again from outside, side by side and in bounded time.

One that hangs delays nobody: each check has a worker of its own among `AT_ONCE`, and its own deadline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import StrEnum
from typing import Any, Final
from zlib import crc32

from msgspec import Struct

from conduit.change import Level, Proof
from conduit.kind import Context, Kind
from conduit.model import Key
from conduit.spec import Resource

AT_ONCE: Final = 32
GRACE: Final = 2.0
"""Seconds a root that was not known before is left alone, because it may not be applied yet; `again` ends them."""
SHORTEST: Final = 1.0
"""Seconds between two checks of one resource, whatever it declares."""
TICK: Final = 0.1
"""Seconds between two looks at what is due."""


class State(StrEnum):
    """How a resource is doing as a visitor sees it."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


class Health(Struct, frozen=True):
    """One check: the state, the response time in milliseconds when there was an answer, and when (epoch seconds)."""

    state: State = State.UNKNOWN
    milliseconds: float | None = None
    at: float | None = None
    detail: str = ""


UNCHECKED: Final = Health()
Wish = Callable[[], Mapping[Key, Resource[Any]]]
"""Returns the declared roots as they are now."""


def health_of(proof: Proof | None, slow: float, now: float) -> Health | None:
    """Return what a proof says of a resource; None for one that promises nothing visible.

    An answer later than `slow` seconds, or another than the expected one, is degraded; no answer is down.
    """
    if proof is None:
        return None
    milliseconds = None if proof.seconds is None else round(proof.seconds * 1000, 1)
    late = proof.seconds is not None and proof.seconds > slow
    if proof.passed and not late:
        state = State.UP
    elif proof.passed or proof.level is Level.UPSTREAM_ANSWERED:
        state = State.DEGRADED
    else:
        state = State.DOWN
    return Health(state, milliseconds, now, f"late: {proof.detail}" if proof.passed and late else proof.detail)


def due_after(key: Key, interval: float, now: float) -> float:
    """Return when a resource is checked next: within `interval` seconds, at a moment of it that its key decides.

    So the checks of a thousand resources are spread evenly, however many of them were changed at once.
    """
    moment = interval * crc32(str(key).encode()) / 2**32
    return now + interval - (now - moment) % interval


class Watch:
    """Checks every declared root at its own interval. `changed` is told each change of a state but the first."""

    def __init__(
        self,
        kinds: Mapping[str, Kind[Any]],
        wish: Wish,
        context: Callable[[], Context],
        changed: Callable[[Key, Health, Health], None] = lambda key, before, after: None,
    ) -> None:
        self._kinds, self._wish, self._context, self._changed = kinds, wish, context, changed
        self._known: dict[Key, Health] = {}
        self._due: dict[Key, float] = {}
        self._busy: set[Key] = set()
        self._wake = threading.Event()
        self._ended = False
        self._pool = ThreadPoolExecutor(AT_ONCE, "health")
        self._thread = threading.Thread(target=self._run, name="health")
        self.version = 0
        """Counts the checks, so that what was made of them is known to be old."""

    def start(self) -> None:
        """Begin to check."""
        self._thread.start()

    def stop(self) -> None:
        """End; a check that is under way is left behind."""
        self._ended = True
        self._wake.set()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def of(self, key: Key) -> Health:
        """Return the last check of a root."""
        return self._known.get(key, UNCHECKED)

    def now(self, key: Key) -> Health:
        """Check a declared root at once and return what was found; unknown for one that promises nothing visible."""
        root = self._wish().get(key)
        if root is not None:
            self._check(root)
        return self.of(key)

    def again(self, keys: Iterable[Key]) -> None:
        """Check these roots now, whenever they were due: something was done to them."""
        for key in keys:
            self._due[key] = 0.0
        self._wake.set()

    def _run(self) -> None:
        while not self._ended:
            self._wake.clear()
            roots, now = self._wish(), time.monotonic()
            for gone in {*list(self._known), *list(self._due)} - roots.keys():
                self._known.pop(gone, None)
                self._due.pop(gone, None)
            for key, root in roots.items():
                if key not in self._busy and self._due.setdefault(key, now + GRACE) <= now:
                    self._due[key] = due_after(key, self._interval(root), now)
                    self._busy.add(key)
                    self._pool.submit(self._check_alone, root)
            due = [self._due[key] for key in roots if key in self._due]
            self._wake.wait(max(TICK, min(due, default=now + SHORTEST) - time.monotonic()))

    def _interval(self, root: Resource[Any]) -> float:
        own = self._kinds[root.key.kind].check_seconds(root.spec)
        return max(SHORTEST, own or self._context().settings.api.health_interval)

    def _check_alone(self, root: Resource[Any]) -> None:
        try:
            self._check(root)
        finally:
            self._busy.discard(root.key)

    def _check(self, root: Resource[Any]) -> None:
        context = self._context()
        proof = self._kinds[root.key.kind].prove(context, root)
        found = health_of(proof, context.settings.api.slow_seconds, time.time())
        if found is None:
            return
        before, self._known[root.key] = self.of(root.key), found
        self.version += 1
        if before.state not in (found.state, State.UNKNOWN):
            with suppress(OSError):
                self._changed(root.key, before, found)
