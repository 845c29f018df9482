"""Appending to a hash chain: one line at a time, each on disk before the next."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from conduit.canonical import canonical
from conduit.chain import START, Chain, Mac, backwards, torn
from conduit.evidence import inode
from conduit.measures import rfc3339
from conduit.providers.files import make_directory, sync_directory

SEGMENT_SIZE: Final = 4 * 1024 * 1024
"""A segment that has reached this many bytes is followed by a new one."""


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
    now = rfc3339(time.time(), "milliseconds")
    record = {"seq": seq, "prev": previous, "time": now, "run": run, "event": event, "data": data}
    body = canonical(record).encode()
    digest = hashlib.sha256(body).hexdigest()
    seal = b',"mac":"' + mac(digest.encode()) + b'"' if mac else b""
    return body[:-1] + f',"hash":"{digest}"'.encode() + seal + b"}\n", digest


def _seal(segment: Path) -> None:
    """Make a segment end with a line end: cut a torn line off, close a complete one."""
    last = next(backwards(segment), b"\n")
    if last.endswith(b"\n"):
        return
    with segment.open("r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if torn(last):
            file.truncate(end - len(last))
            os.fsync(file.fileno())
        else:
            _write(file.fileno(), b"\n")


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
    os.fdatasync(descriptor)
