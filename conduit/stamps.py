"""What a file looks like from outside: tells without reading it that it is what it was."""

from __future__ import annotations

import os
from typing import Final

Stamp = tuple[int, ...]
"""Device, inode, mode, size, when the content last changed and when the inode did, in nanoseconds."""
FRESH_NS: Final = 100_000_000
"""How old a stamp has to be when its file is read: two writes within one tick of the kernel's clock, which is 1 to
10 ms long, leave the same stamp."""


def stamp_of(found: os.stat_result) -> Stamp:
    """Return what differs whenever a file was changed or replaced: no program can set an inode's time of change."""
    return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_telling(stamp: Stamp, read: int) -> bool:
    """Return whether a stamp taken right before its file was read (epoch nanoseconds) differs from all later ones."""
    return read - stamp[-1] >= FRESH_NS
