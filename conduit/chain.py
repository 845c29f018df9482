"""A hash chain of JSON lines on disk, for records that must tell when somebody changed them.

Each line holds its number, the hash of the line before and its own hash, so a changed, dropped or swapped line shows;
a cut tail does not. Lines live in segment files named after their first number. A write that was killed leaves a torn
last line: readers skip it and the next writer cuts it off.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from conduit.canonical import canonical
from conduit.evidence import inode
from conduit.providers.files import make_directory, sync_directory

SEGMENT_SIZE: Final = 4 * 1024 * 1024
"""A segment that has reached this many bytes is followed by a new one."""
BLOCK: Final = 64 * 1024
START: Final = "0" * 64
"""What the first line names as the hash before it."""
LINE_END: Final = re.compile(rb"(?<=\n)")
LINE: Final = re.compile(
    rb'(\{.*"prev":"([0-9a-f]{64})","run":[0-9]+,"seq":([0-9]+),"time":"[^"]*"),'
    rb'"hash":"([0-9a-f]{64})"(?:,"mac":"([0-9a-f]{64})")?\}'
)
"""One line: what is hashed, in it the hash before and the number; its own hash; its MAC. The latter come last."""
Mac = Callable[[bytes], bytes]
"""Returns the hex MAC of the hex hash of a line, with a key that only the writer has."""


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


class Link(NamedTuple):
    """Where one line stands, its number and its hash."""

    file: Path
    line: int
    seq: int
    hash: str


class Located(NamedTuple):
    """An entry, the name of its segment, and where in it its line begins."""

    entry: Entry
    segment: str
    offset: int


class Broken(Exception):
    """A chain does not hold; `bad` is where."""

    def __init__(self, bad: BadEntry) -> None:
        super().__init__(str(bad))
        self.bad = bad


class Chain:
    """The segments of one directory. Opening one does no I/O; the directory may be missing.

    With `mac` each line also carries a MAC, so that nobody without the key can write a line that holds.
    """

    def __init__(self, directory: Path, mac: Mac | None = None) -> None:
        self.directory = directory
        self.mac = mac

    def newest(self) -> Iterator[Entry]:
        """Yield the entries from the last to the first, reading backwards; lines that do not parse are skipped."""
        for segment in reversed(self.segments()):
            for line in _backwards(segment):
                entry = _parse(line)
                if entry:
                    yield entry

    def entries(self) -> Iterator[Entry]:
        """Yield the entries from the first to the last; lines that do not parse are skipped."""
        for segment in self.segments():
            with segment.open("rb") as file:
                yield from filter(None, map(_parse, file))

    def located(self, after: tuple[str, int] | None) -> Iterator[Located]:
        """Yield the entries after the line at a segment's name and offset, None for all, with where they are."""
        name, offset = after or ("", 0)
        for segment in self.segments():
            if segment.name < name:
                continue
            with segment.open("rb") as file:
                if segment.name == name:
                    file.seek(offset)
                    offset += len(file.readline())
                else:
                    offset = 0
                for line in file:
                    if line.endswith(b"\n") and (entry := _parse(line)):
                        yield Located(entry, segment.name, offset)
                    offset += len(line)

    @staticmethod
    def read(segment: Path, offset: int) -> Entry | None:
        """Return the entry at an offset of a segment, None when there is none."""
        try:
            with segment.open("rb") as file:
                file.seek(offset)
                return _parse(file.readline())
        except FileNotFoundError:
            return None

    def verify(self) -> BadEntry | None:
        """Return the first entry that was changed, moved or lost, or None; a torn last line is not one."""
        try:
            for _ in self.links():
                pass
        except Broken as error:
            return error.bad
        return None

    def links(self, seq: int = 0, previous: str = START) -> Iterator[Link]:
        """Check every line after entry `seq`, whose hash is `previous`, and yield where it stands. Raises `Broken`."""
        for segment in self._from(seq + 1):
            with segment.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if _torn(line):
                        break
                    seq, previous = seq + 1, _checked(line, seq + 1, previous, self.mac, segment, number)
                    yield Link(segment, number, seq, previous)

    def last_of(self, segment: Path) -> Entry | None:
        """Return the last entry of one segment as it stands there, None when it has none."""
        return next(filter(None, map(_parse, _backwards(segment))), None)

    def _from(self, first: int) -> list[Path]:
        """Return the segments that may hold entry `first` or a later one; a segment is named after its first entry."""
        segments = self.segments()
        older = [number for number, each in enumerate(segments) if number and int(each.stem) <= first]
        return segments[older[-1] if older else 0 :]

    def segments(self) -> list[Path]:
        """Return the segment files in order."""
        return sorted(self.directory.glob("[0-9]*.jsonl"))


class Writer:
    """Appends to a chain; each append is on disk when it returns. One writer at a time; `close` it.

    `after` is the number and hash an empty chain goes on from.
    """

    def __init__(self, chain: Chain, after: tuple[int, str] = (0, START)) -> None:
        self._chain = chain
        last = next(chain.newest(), None)
        self._seq, self._hash = (last.seq, last.hash) if last else after
        self._descriptor, self._end = -1, 0
        self._left = self._newest()

    def append(self, run: int, event: str, data: Mapping[str, Any]) -> None:
        """Write one line and fsync it. Raises OSError; then nothing was added, as far as the disk lets us undo it.

        Raises BlockingIOError when somebody else has written since our last line.
        """
        if self._descriptor < 0 or self._end >= SEGMENT_SIZE:
            self._open()
        if os.fstat(self._descriptor).st_size != self._end:
            raise BlockingIOError("another process writes to it")
        line, digest = _line(self._seq + 1, self._hash, run, event, data, self._chain.mac)
        try:
            _write(self._descriptor, line)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._end)
            raise
        self._seq, self._hash, self._end = self._seq + 1, digest, self._end + len(line)
        self._left = self._newest()

    @property
    def last(self) -> tuple[int, str]:
        """Number and hash of the last entry."""
        return self._seq, self._hash

    @property
    def undisturbed(self) -> bool:
        """Whether the newest segment is exactly as this writer found or left it."""
        return self._newest() == self._left

    def roll(self) -> None:
        """Begin a new segment. Raises OSError."""
        self._open(fresh=True)
        self._left = self._newest()

    def close(self) -> None:
        """Give the file back; fine when nothing was written."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _newest(self) -> tuple[Path, str] | None:
        segments = self._chain.segments()
        return (segments[-1], inode(segments[-1])) if segments else None

    def _open(self, *, fresh: bool = False) -> None:
        """Open the segment the next line belongs to, sealing a torn line a killed writer left."""
        self.close()
        make_directory(self._chain.directory)
        segments = self._chain.segments()
        if segments:
            _seal(segments[-1])
        fresh = fresh or not segments or segments[-1].stat().st_size >= SEGMENT_SIZE
        path = self._chain.directory / f"{self._seq + 1:012d}.jsonl" if fresh else segments[-1]
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags, 0o600)
        self._end = os.fstat(self._descriptor).st_size
        if fresh:
            sync_directory(self._chain.directory)


def _line(seq: int, previous: str, run: int, event: str, data: Mapping[str, Any], mac: Mac | None) -> tuple[bytes, str]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    record = {"seq": seq, "prev": previous, "time": now, "run": run, "event": event, "data": data}
    body = canonical(record).encode()
    digest = hashlib.sha256(body).hexdigest()
    seal = b',"mac":"' + mac(digest.encode()) + b'"' if mac else b""
    return body[:-1] + f',"hash":"{digest}"'.encode() + seal + b"}\n", digest


def _checked(line: bytes, seq: int, previous: str, mac: Mac | None, file: Path, number: int) -> str:
    """Return the hash of a line that holds at its place in the chain. Raises `Broken`."""
    found = LINE.fullmatch(line.removesuffix(b"\n"))
    if not found or hashlib.sha256(found[1] + b"}").hexdigest().encode() != found[4]:
        reason = "was changed"
    elif int(found[3]) != seq:
        reason = f"is missing; entry {int(found[3])} is in its place"
    elif found[2] != previous.encode():
        reason = "does not follow the one before"
    elif mac and (found[5] is None or not hmac.compare_digest(found[5], mac(found[4]))):
        reason = "was not written with this site's key"
    else:
        return found[4].decode()
    raise Broken(BadEntry(file, number, seq, reason))


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
