"""What a process that goes on remembers of the manifests, so that it reads again only what changed since."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from conduit.manifests.tree import NO_STAMPS, ManifestFile, Tree
from conduit.stamps import Stamp, is_telling, stamp_of


class _Read(Struct, frozen=True):
    """A file as it was read, its stamp right before that, and when it was read (epoch nanoseconds)."""

    file: ManifestFile
    stamp: Stamp
    at: int


class Known:
    """The manifests of one site as they were read last; safe to use from threads."""

    def __init__(self) -> None:
        self._files: dict[str, _Read] = {}
        self._left: tuple[Mapping[str, Stamp], float] = (NO_STAMPS, 0.0)
        """The stamps of the tree after our own last edit, and when somebody else had changed it before (epoch)."""

    def file(self, name: str, stamp: Stamp, read: Callable[[], ManifestFile]) -> ManifestFile:
        """Return a manifest, read anew when it may have changed. Raises what `read` raises."""
        known = self._files.get(name)
        if known and known.stamp == stamp and is_telling(stamp, known.at):
            return known.file
        at = time.time_ns()
        file = read()
        self._files[name] = _Read(file, stamp, at)
        return file

    def changed(self, stamps: Mapping[str, Stamp], changed: float) -> float:
        """Return when somebody changed a tree last, given when anybody did: our own edits were whole at once."""
        for gone in set(self._files) - stamps.keys():
            self._files.pop(gone, None)
        left, before = self._left
        return before if stamps == left else changed

    def wrote(self, tree: Tree, name: str, path: Path) -> None:
        """Note that this process itself replaced, or removed, one file of a tree that was read for that."""
        stamps = dict(tree.stamps)
        try:
            stamps[name] = stamp_of(path.lstat())
        except FileNotFoundError:
            stamps.pop(name, None)
        self._left = (stamps, tree.changed)
