"""The directory an image is built from: one hash of all that counts, and the archive Docker is sent.

Both walk the same files, so that what is built is what was planned. Owners and times do not count.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from msgspec import Struct

from conduit.providers.docker_ignore import NAME, Ignore
from conduit.providers.files import read_regular

if TYPE_CHECKING:
    from tarfile import TarInfo

OUTSIDE: Final = ".conduit.dockerfile"
"""What a Dockerfile from outside of the context is called in it."""
MOST_FILES: Final = 100_000
LARGEST: Final = 2 * 2**30
"""Bytes of all files together."""
LARGEST_DOCKERFILE: Final = 2**20
CHUNK: Final = 2**20


class Entry(Struct, frozen=True):
    """One file, directory or link of a context, by its name in the archive."""

    name: str
    path: Path
    status: os.stat_result


def hash_of(directory: Path, dockerfile: str) -> str:
    """Return the hash of a context and its Dockerfile, a path that counts from the context.

    Raises OSError, and ValueError for one that is too large or has a `.dockerignore` that cannot be read.
    """
    whole = sha256()
    for entry in _entries(directory, dockerfile):
        whole.update(_line(entry, _hash_of_content(entry)))
    return whole.hexdigest()


def pack(directory: Path, dockerfile: str, archive: IO[bytes]) -> str:
    """Write a context to `archive` as a tar and return the hash of what was written. Raises what `hash_of` raises."""
    import tarfile

    whole = sha256()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in _entries(directory, dockerfile):
            info = tar.gettarinfo(str(entry.path), entry.name)
            _anonymous(info)
            if not info.isfile():
                tar.addfile(info)
                whole.update(_line(entry, _hash_of_content(entry)))
                continue
            with entry.path.open("rb") as source:
                reader = _Reader(source)
                tar.addfile(info, reader)
                whole.update(_line(entry, reader.hash.hexdigest()))
    return whole.hexdigest()


def name_of(directory: Path, dockerfile: str) -> str:
    """Return what the Dockerfile is called in the archive."""
    path = Path(os.path.normpath(directory / dockerfile))
    return str(path.relative_to(directory)) if path.is_relative_to(directory) else OUTSIDE


class _Reader:
    """Reads a file and hashes what is read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self.hash = source, sha256()

    def read(self, size: int = -1) -> bytes:
        chunk = self._source.read(size)
        self.hash.update(chunk)
        return chunk


def _entries(directory: Path, dockerfile: str) -> Iterator[Entry]:
    """Yield what belongs to a context in one order, the Dockerfile and `.dockerignore` whatever is left out."""
    named = name_of(directory, dockerfile)
    if named == OUTSIDE:
        path = directory / dockerfile
        yield Entry(OUTSIDE, path, path.stat())
    files, size = 0, 0
    for entry in _walk(directory, "", _ignore(directory), {named, NAME}):
        files, size = files + 1, size + (entry.status.st_size if stat.S_ISREG(entry.status.st_mode) else 0)
        if files > MOST_FILES or size > LARGEST:
            raise ValueError(
                f"the build context {directory} has more than {MOST_FILES:,} files or {LARGEST >> 30} GiB; "
                f"leave out what is not needed in {NAME}"
            )
        yield entry


def _ignore(directory: Path) -> Ignore:
    try:
        return Ignore(read_regular(directory / NAME, LARGEST_DOCKERFILE).decode(errors="replace"))
    except FileNotFoundError:
        return Ignore("")


def _walk(directory: Path, inside: str, ignore: Ignore, always: set[str]) -> Iterator[Entry]:
    for found in sorted(os.scandir(directory), key=lambda each: each.name):
        name, path = f"{inside}{found.name}", Path(found.path)
        is_directory = found.is_dir(follow_symlinks=False)
        out = ignore.leaves_out(name)
        needed = out and any(each == name or each.startswith(f"{name}/") for each in always)
        status = found.stat(follow_symlinks=False)
        if (not out or needed) and (is_directory or found.is_file(follow_symlinks=False) or found.is_symlink()):
            yield Entry(name, path, status)
        if is_directory and (not out or needed or ignore.takes_back(name)):
            yield from _walk(path, f"{name}/", ignore, always)


def _hash_of_content(entry: Entry) -> str:
    if stat.S_ISLNK(entry.status.st_mode):
        return str(entry.path.readlink())
    if not stat.S_ISREG(entry.status.st_mode):
        return ""
    content = sha256()
    with entry.path.open("rb") as source:
        while chunk := source.read(CHUNK):
            content.update(chunk)
    return content.hexdigest()


def _line(entry: Entry, content: str) -> bytes:
    return os.fsencode(f"{entry.name}\0{entry.status.st_mode:o}\0{content}\n")


def _anonymous(info: TarInfo) -> None:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
