"""What git says of the manifests, read from the repository's own files; nothing of git is run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conduit.providers.files import read_regular

INDEX_BYTES: Final = 256 * 2**20
STAGE: Final = 0x30
"""The bits of an index entry's flags that are set while its file is in conflict."""
EXTENDED: Final = 0x40
"""The bit that says that two more bytes of flags follow."""


def head_commit(directory: Path) -> str:
    """Return the full id of the commit checked out around `directory`, or "" outside a repository."""
    place = work_tree(directory)
    try:
        return _head(_repository(place)) if place else ""
    except OSError:
        return ""


def unmerged(directory: Path) -> list[str]:
    """Return the files below `directory`, relative to it, that git left in conflict: by a merge, a rebase, a stash.

    There are none outside a repository or before its first commit, and none when the index cannot be read.
    """
    commit, place = head_commit(directory), work_tree(directory)
    if not (commit and place):
        return []
    try:
        index = read_regular(_repository(place) / "index", INDEX_BYTES)
        paths = dict.fromkeys(place / os.fsdecode(name) for name in _conflicts(index, len(commit) // 2))
    except (OSError, LookupError, ValueError):
        return []
    return [str(path.relative_to(directory)) for path in paths if path.is_relative_to(directory)]


def work_tree(directory: Path) -> Path | None:
    """Return the work tree of git around a directory."""
    return next((place for place in (directory, *directory.parents) if (place / ".git").exists()), None)


def _repository(work_tree: Path) -> Path:
    """Return the directory with HEAD and the index of a work tree."""
    marker = work_tree / ".git"
    return work_tree / marker.read_text().removeprefix("gitdir:").strip() if marker.is_file() else marker


def _head(repository: Path) -> str:
    head = (repository / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    name = head.removeprefix("ref: ")
    common = repository / "commondir"
    shared = repository / common.read_text().strip() if common.exists() else repository
    loose = shared / name
    if loose.exists():
        return loose.read_text().strip()
    for line in (shared / "packed-refs").read_text().splitlines():
        commit, _, ref = line.partition(" ")
        if ref == name:
            return commit
    return ""


def _conflicts(index: bytes, id_bytes: int) -> Iterator[bytes]:
    """Yield the names of the entries that are in conflict, once for each side. Raises LookupError or ValueError.

    An entry is 40 bytes about the file, the object's id, two bytes of flags, and the name. NUL bytes fill it up to a
    multiple of eight; version 4 has none of these, and leaves out of a name what it shares with the one before.
    Source: https://git-scm.com/docs/index-format
    """
    packed = index[4:8] == b"\0\0\0\4"
    at, name = 12, b""
    for _ in range(int.from_bytes(index[8:12], "big")):
        flags = at + 40 + id_bytes
        start = flags + (4 if index[flags] & EXTENDED else 2)
        if packed:
            cut, start = _number(index, start)
            end = index.index(0, start)
            name = name[: len(name) - cut] + index[start:end]
            following = end + 1
        else:
            end = index.index(0, start)
            following = end + 8 - (end - at) % 8
        if index[flags] & STAGE:
            yield name if packed else index[start:end]
        at = following


def _number(index: bytes, at: int) -> tuple[int, int]:
    """Read git's number of variable length: the number, and where it ends."""
    value = index[at] & 0x7F
    while index[at] & 0x80:
        at += 1
        value = (value + 1 << 7) + (index[at] & 0x7F)
    return value, at + 1
