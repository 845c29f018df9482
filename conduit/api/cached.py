"""Answers that are asked for far more often than they change, kept as the bytes that go over the wire."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from litestar import Response
from litestar.serialization import encode_json
from msgspec import Struct

from conduit.api.desk import Desk
from conduit.reconcile.asks import Snapshot

FRESH: Final = 0.2
"""Seconds an answer is kept while only checks of health come in."""


class _Kept(Struct, frozen=True):
    passes: int
    checks: int
    until: float
    content: bytes


class Cached:
    """A document made of the snapshot and the health; made anew when either has moved."""

    def __init__(self, make: Callable[[Desk, Snapshot], Any]) -> None:
        self._make = make

    def of(self, desk: Desk) -> Response[Any]:
        """Return the answer. Raises `Unreadable` while nothing was loaded yet."""
        desk.require_loaded()
        snapshot, now = desk.passes.snapshot, time.monotonic()
        kept: _Kept | None = desk.kept.get(self)
        fresh = kept and kept.passes == snapshot.number and (kept.checks == desk.watch.version or now < kept.until)
        if not (kept and fresh):
            checks = desk.watch.version
            kept = _Kept(snapshot.number, checks, now + FRESH, encode_json(self._make(desk, snapshot)))
            desk.kept[self] = kept
        return Response(kept.content, media_type="application/json")
