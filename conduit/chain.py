"""A hash chain of JSON lines on disk, for records that must tell when somebody changed them: reading and checking it.

Each line holds its number, the hash of the line before and its own hash, so a changed, dropped or swapped line shows;
a cut tail does not. Lines live in segment files named after their first number. A write that was killed leaves a torn
last line: readers skip it and the next writer (`conduit.chain_writer`) cuts it off.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from hmac import compare_digest
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from conduit.patterns import pattern

SEGMENT: Final = pattern(r"[0-9]+\.jsonl")
BLOCK: Final = 64 * 1024
START: Final = "0" * 64
"""What the first line names as the hash before it."""
LINE: Final = pattern(
    rb'(\{.*"prev":"([0-9a-f]{64})","run":[0-9]+,"seq":([0-9]+),"time":"[^"]*"),'
    rb'"hash":"([0-9a-f]{64})"(?:,"mac":"([0-9a-f]{64})")?\}'
)
"""One line: what is hashed, in it the hash before and the number; its own hash; its MAC. The latter come last."""
Mac = Callable[[bytes], bytes]
"""Returns the hex MAC of the hex hash of a line, with a key that only the writer has."""


class Entry(Struct, frozen=True):
    """One line: its number, its time (RFC 3339, for people; the number orders), the run it belongs to, what it says."""

    seq: int
    time: str
    run: int
    event: str
    data: Mapping[str, Any]
    prev: str
    hash: str


class BadEntry(Struct, frozen=True):
    """The first place where a chain does not hold: the file, the line in it, the number it should have, why."""

    file: Path
    line: int
    seq: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: entry {self.seq} {self.reason}"


class Link(Struct, frozen=True):
    """Where one line stands, its number and its hash."""

    file: Path
    line: int
    seq: int
    hash: str


class Located(Struct, frozen=True):
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

    With `mac` each line also carries a MAC, so that nobody without the key can write a line that holds; `keyed` is a
    chain of such lines for a reader without the key.
    """

    def __init__(self, directory: Path, mac: Mac | None = None, *, keyed: bool = False) -> None:
        self.directory = directory
        self.mac, self.keyed = mac, keyed or mac is not None

    def newest(self) -> Iterator[Entry]:
        """Yield the entries from the last to the first, reading backwards; lines that do not parse are skipped."""
        for segment in reversed(self.segments()):
            for line in backwards(segment):
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
                    if torn(line):
                        break
                    seq, previous = seq + 1, self._checked(line, seq + 1, previous, segment, number)
                    yield Link(segment, number, seq, previous)

    def _checked(self, line: bytes, seq: int, previous: str, file: Path, number: int) -> str:
        """Return the hash of a line that holds at its place in the chain. Raises `Broken`."""
        found = LINE.fullmatch(line.removesuffix(b"\n"))
        formed = found is not None and self.keyed == (found[5] is not None)
        if not found or not formed or hashlib.sha256(found[1] + b"}").hexdigest().encode() != found[4]:
            reason = "was changed"
        elif int(found[3]) != seq:
            reason = f"is missing; entry {int(found[3])} is in its place"
        elif found[2] != previous.encode():
            reason = "does not follow the one before"
        elif self.mac and not compare_digest(found[5], self.mac(found[4])):
            reason = "was not written with this site's key"
        else:
            return found[4].decode()
        raise Broken(BadEntry(file, number, seq, reason))

    def last_of(self, segment: Path) -> Entry | None:
        """Return the last entry of one segment as it stands there, None when it has none."""
        return next(filter(None, map(_parse, backwards(segment))), None)

    def _from(self, first: int) -> list[Path]:
        """Return the segments that may hold entry `first` or a later one; a segment is named after its first entry."""
        segments = self.segments()
        older = [number for number, each in enumerate(segments) if number and int(each.stem) <= first]
        return segments[older[-1] if older else 0 :]

    def segments(self) -> list[Path]:
        """Return the segment files in order, none for a directory that is missing. Raises OSError."""
        try:
            with os.scandir(self.directory) as found:
                names = [entry.name for entry in found if SEGMENT.fullmatch(entry.name)]
        except FileNotFoundError:
            return []
        return [self.directory / name for name in sorted(names)]


def torn(line: bytes) -> bool:
    """Whether a write was killed in this line: no line end, and the line was not complete before."""
    return not line.endswith(b"\n") and not LINE.match(line)


def _parse(line: bytes) -> Entry | None:
    try:
        record = json.loads(line)
        return Entry(*(record[name] for name in Entry.__struct_fields__))
    except (ValueError, KeyError, TypeError):
        return None


def backwards(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file from the last to the first, reading only as many blocks as are asked for."""
    with path.open("rb") as file:
        position, begun = file.seek(0, os.SEEK_END), [b""]
        while position:
            size = min(BLOCK, position)
            position = file.seek(position - size)
            *ended, cut = file.read(size).split(b"\n")
            rest, *lines = *(line + b"\n" for line in ended), cut
            if lines:
                begun.append(lines.pop())
                yield from filter(None, (b"".join(reversed(begun)), *reversed(lines)))
                begun = []
            begun.append(rest)
        if first := b"".join(reversed(begun)):
            yield first
