"""A hash chain of JSON lines on disk, for records that must tell when somebody changed them.

Each line holds its number, the hash of the line before and its own hash, so a changed, dropped or swapped line shows;
a cut tail does not. Lines live in segment files named after their first number. A write that was killed leaves a torn
last line: readers skip it and the next writer cuts it off.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from conduit.canonical import canonical
from conduit.providers.files import make_directory, sync_directory

SEGMENT_SIZE: Final = 4 * 1024 * 1024
"""A segment that has reached this many bytes is followed by a new one."""
BLOCK: Final = 64 * 1024
START: Final = "0" * 64
"""What the first line names as the hash before it."""
LINE_END: Final = re.compile(rb"(?<=\n)")
LINE: Final = re.compile(rb'(\{.*),"hash":"([0-9a-f]{64})"\}')


class Entry(NamedTuple):
    """One line: its number, its time (RFC 3339, for people; the number orders), the run it belongs to, what it says."""

    seq: int
    time: str
    run: int
    event: str
    data: Mapping[str, Any]
    prev: str
    hash: str


class BadEntry(NamedTuple):
    """The first place where a chain does not hold: the file, the line in it, the number it should have, why."""

    file: Path
    line: int
    seq: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: entry {self.seq} {self.reason}"


class Chain:
    """The segments of one directory. Opening one does no I/O; the directory may be missing."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def newest(self) -> Iterator[Entry]:
        """Yield the entries from the last to the first, reading backwards; lines that do not parse are skipped."""
        for segment in reversed(self.segments()):
            for line in _backwards(segment):
                entry = _parse(line)
                if entry:
                    yield entry

    def verify(self) -> BadEntry | None:
        """Return the first entry that was changed, moved or lost, or None; a torn last line is not one."""
        seq, previous = 1, START
        for segment in self.segments():
            with segment.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if _torn(line):
                        break
                    entry = _checked(line, seq, previous)
                    if isinstance(entry, str):
                        return BadEntry(segment, number, seq, entry)
                    seq, previous = seq + 1, entry.hash
        return None

    def segments(self) -> list[Path]:
        """Return the segment files in order."""
        return sorted(self.directory.glob("[0-9]*.jsonl"))


class Writer:
    """Appends to a chain; each append is on disk when it returns. One writer at a time; `close` it."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        last = next(chain.newest(), None)
        self._seq, self._hash = (last.seq, last.hash) if last else (0, START)
        self._descriptor, self._end = -1, 0

    def append(self, run: int, event: str, data: Mapping[str, Any]) -> None:
        """Write one line and fsync it. Raises OSError; then nothing was added, as far as the disk lets us undo it.

        Raises BlockingIOError when somebody else has written since our last line.
        """
        if self._descriptor < 0 or self._end >= SEGMENT_SIZE:
            self._open()
        if os.fstat(self._descriptor).st_size != self._end:
            raise BlockingIOError("another process writes to it")
        line, digest = _line(self._seq + 1, self._hash, run, event, data)
        try:
            _write(self._descriptor, line)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._end)
            raise
        self._seq, self._hash, self._end = self._seq + 1, digest, self._end + len(line)

    def close(self) -> None:
        """Give the file back; fine when nothing was written."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> None:
        """Open the segment the next line belongs to, sealing a torn line a killed writer left."""
        self.close()
        make_directory(self._chain.directory)
        segments = self._chain.segments()
        if segments:
            _seal(segments[-1])
        fresh = not segments or segments[-1].stat().st_size >= SEGMENT_SIZE
        path = self._chain.directory / f"{self._seq + 1:012d}.jsonl" if fresh else segments[-1]
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._end = os.fstat(self._descriptor).st_size
        if fresh:
            sync_directory(self._chain.directory)


def _line(seq: int, previous: str, run: int, event: str, data: Mapping[str, Any]) -> tuple[bytes, str]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    record = {"seq": seq, "prev": previous, "time": now, "run": run, "event": event, "data": data}
    body = canonical(record).encode()
    digest = hashlib.sha256(body).hexdigest()
    return body[:-1] + f',"hash":"{digest}"}}\n'.encode(), digest


def _checked(line: bytes, seq: int, previous: str) -> Entry | str:
    """Return the entry of a line that holds at its place in the chain, else what is wrong with it."""
    found = LINE.fullmatch(line.removesuffix(b"\n"))
    entry = _parse(line)
    if not found or not entry or hashlib.sha256(found[1] + b"}").hexdigest().encode() != found[2]:
        return "was changed"
    if entry.seq != seq:
        return f"is missing; entry {entry.seq} is in its place"
    return entry if entry.prev == previous else "does not follow the one before"


def _torn(line: bytes) -> bool:
    """Whether a write was killed in this line: no line end, and the line was not complete before."""
    return not line.endswith(b"\n") and not LINE.match(line)


def _seal(segment: Path) -> None:
    """Make a segment end with a line end: cut a torn line off, close a complete one."""
    last = next(_backwards(segment), b"\n")
    if last.endswith(b"\n"):
        return
    with segment.open("r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if _torn(last):
            file.truncate(end - len(last))
            os.fsync(file.fileno())
        else:
            _write(file.fileno(), b"\n")


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
    os.fdatasync(descriptor)


def _parse(line: bytes) -> Entry | None:
    try:
        record = json.loads(line)
        return Entry(*(record[name] for name in Entry._fields))
    except (ValueError, KeyError, TypeError):
        return None


def _backwards(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file from the last to the first, reading only as many blocks as are asked for."""
    with path.open("rb") as file:
        position, rest = file.seek(0, os.SEEK_END), b""
        while position:
            size = min(BLOCK, position)
            position = file.seek(position - size)
            rest, *lines = LINE_END.split(file.read(size) + rest)
            yield from filter(None, reversed(lines))
        if rest:
            yield rest
