"""Evidence: what a plan was drawn from, as short texts that `conduit.settled` can compare with another look.

Everything that reads something for a plan tells its own, taken from the very bytes it read: a second look would hide
forever what changed between the two. Imports nothing of conduit, so that the quick answer costs no import.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

GONE: Final = "gone"
UNREADABLE: Final = "unreadable"
BEFORE: Final = "before"
AFTER: Final = "after"


class Evidence(NamedTuple):
    """One thing that was seen: `sort` names the way to look again, `subject` at what, `seen` what it said."""

    sort: str
    subject: str
    seen: str


def of_bytes(path: Path, content: bytes | None) -> Evidence:
    """Return the evidence of a plain file's content; None for a file that is not there."""
    return Evidence("bytes", str(path), GONE if content is None else sha256(content).hexdigest())


def of_inode(path: Path) -> Evidence:
    """Return the evidence of a file that is not hashed, being large or secret; take it before the file is read.

    Content cannot change without changing the inode's time of change, which no program can set (inode(7)).
    """
    return Evidence("inode", str(path), inode(path))


def of_access(path: Path) -> Evidence:
    """Return the evidence of who may use a directory, whatever is put into it; take it before it is used."""
    return Evidence("access", str(path), access(path))


def of_clock(instant: float, side: str) -> Evidence:
    """Return the evidence that the clock stood at the `side`, `BEFORE` or `AFTER`, of an instant (epoch seconds)."""
    return Evidence("clock", repr(instant), side)


def side_of(now: float, instant: float) -> str:
    """Tell on which side of an instant the clock is, `BEFORE` or `AFTER`; both in seconds since the epoch."""
    return BEFORE if now < instant else AFTER


def of_sizes(pattern: Path) -> Evidence:
    """Return the evidence of files that only grow: the names a pattern in the last part of a path fits, and sizes."""
    return Evidence("sizes", str(pattern), sizes(pattern))


def access(path: str | Path) -> str:
    """Tell the sort, mode and owner of what lies at a path."""
    try:
        found = os.lstat(path)
    except OSError:
        return UNREADABLE
    return f"{found.st_mode:o} {found.st_uid}:{found.st_gid}"


def inode(path: str | Path) -> str:
    """Tell which file lies at a path and how it was last changed, of a link also where it leads."""
    try:
        found = os.lstat(path)
        target = [Path(path).stat()] if stat.S_ISLNK(found.st_mode) else []
    except FileNotFoundError:
        return GONE
    except OSError:
        return UNREADABLE
    return " / ".join(map(inode_of, [found, *target]))


def inode_of(found: os.stat_result) -> str:
    """Tell which file was found and how it was last changed."""
    place = f"{found.st_dev}:{found.st_ino} {found.st_mode:o} {found.st_uid}:{found.st_gid}"
    return f"{place} {found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def hash_of(lines: Iterable[str]) -> str:
    """Return one hash of many lines."""
    return sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()


def hash_of_contents(contents: Mapping[str, bytes]) -> str:
    """Return one hash of files, given as content by name; the same as that of a tree of these."""
    return hash_of(f"{name}\0{sha256(content).hexdigest()}" for name, content in sorted(contents.items()))


def hash_of_tree(files: Iterable[tuple[str, bytes, str]]) -> str:
    """Return one hash of all manifests, given as name, content and hash of the content."""
    return hash_of(f"{name}\0{digest}" for name, _, digest in files)


def sizes(pattern: str | Path) -> str:
    """Tell the names and sizes of the files a pattern fits."""
    return "/".join(f"{path.name} {path.lstat().st_size}" for path in names(pattern))


def names(pattern: str | Path) -> list[Path]:
    """Return the paths a pattern in the last part of a path fits, in order."""
    return sorted(Path(pattern).parent.glob(Path(pattern).name))
