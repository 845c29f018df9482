"""Certificates as they were read last: a process that goes on reads again only those whose files changed since.

What was read is kept with the stamps of all its files. It tells what lies on the disk, never what a daemon serves.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable

from msgspec import Struct

from conduit.model import Live
from conduit.stamps import Stamp, is_telling, stamp_of


class _Read(Struct, frozen=True):
    root: str
    stamps: dict[str, Stamp]
    live: Live


class Seen:
    """The generations of one store, by the names of their files. For one thread at a time."""

    def __init__(self) -> None:
        self._known: dict[str, _Read] = {}

    def live(self, file: str, paths: Iterable[str], root: str, read: Callable[[], Live]) -> Live:
        """Return a generation that lies at `paths`, read anew when a file of it or the current `root` changed."""
        try:
            stamps = {path: stamp_of(os.lstat(path)) for path in paths}
        except OSError:
            return read()
        known = self._known.get(file)
        if known and known.stamps == stamps and known.root == root:
            return known.live
        at = time.time_ns()
        live = read()
        if all(is_telling(stamp, at) for stamp in stamps.values()):
            self._known[file] = _Read(root, stamps, live)
        return live

    def forget_all_but(self, files: Collection[str]) -> None:
        """Forget the generations that are not there any more."""
        for gone in self._known.keys() - files:
            del self._known[gone]
