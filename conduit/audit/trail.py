"""The trail on disk: entries in a hash chain with MACs, checkpoints, and a head; written by several processes in turn.

It fails closed: callers ask `require` before they change anything, and it raises when nothing could be written down, or
when the trail is not as conduit left it. Reading goes on.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

from conduit.audit.act import CONDUIT, FAILURE, Act
from conduit.audit.checkpoints import (
    CHECKPOINT,
    EVERY,
    LOST,
    NOTHING,
    STUB,
    Checkpoints,
    Signed,
    read_stub,
    sign,
    write_stub,
)
from conduit.audit.head import Head, HeadFile
from conduit.audit.key import AuditKey
from conduit.audit.reserve import Reserve
from conduit.audit.verify import broken_end
from conduit.chain import Chain, Entry
from conduit.chain_writer import Writer
from conduit.errors import Code, ConduitError, Diagnostic, Unreadable
from conduit.failpoints import fail
from conduit.providers.files import make_directory
from conduit.settings import Settings

UNWRITABLE = Code(
    "CND-2101",
    "the audit trail cannot be written",
    "A change that cannot be written down is not made. Free space in the state directory or repair its permissions, "
    "then send the request again. Reading goes on meanwhile.",
)
TAMPERED = Code(
    "CND-2102",
    "the audit trail is not as conduit left it",
    "Entries were changed or moved, the end was cut off, or an older copy was put back, so nothing is added to it and "
    "nothing is changed: the next entry would hide it. `conduit audit verify` names the first bad entry. Put the right "
    'files back, or keep these as evidence and begin anew: conduit audit seal --aside "WHY".',
)
SECONDS: Final = 600.0
"""The longest an entry waits for a checkpoint while conduit runs."""
MOST_OWED: Final = 1000
"""Acts that are remembered while they cannot be written."""


class Trail:
    """The trail of one site. Opening one does no I/O; any number of processes may write."""

    def __init__(self, settings: Settings) -> None:
        self.directory = settings.path(settings.state_dir) / "audit"
        self.site, self.key = settings.site, AuditKey(settings, lambda: self.total == 0)
        self.chain = Chain(self.directory, self.key.mac)
        self.head = HeadFile(settings.path(settings.keys_dir), self.key)
        self.checkpoints = Checkpoints(self.directory)
        self._reserve = Reserve(self.directory)
        self._turn = threading.Lock()
        self._writer: Writer | None = None
        self._owed: list[Act] = []
        self._signed = 0

    def require(self) -> None:
        """Raise `Unreadable` when nothing could be written down now: then nothing may be changed."""
        with self._writing() as writer:
            self._settle(writer)
            self._reserve.fill()

    def append(self, act: Act) -> None:
        """Write one entry and wait until it is on disk.

        Raises `Unreadable`; the entry is then owed, and nothing may be changed before it is written.
        """
        if len(self._owed) < MOST_OWED:
            self._owed.append(act)
        with self._writing() as writer:
            self._settle(writer)

    def sign(self) -> Signed | None:
        """Sign how far the trail goes, and return that; None when there is nothing new. Raises `Unreadable`."""
        with self._writing() as writer:
            self._settle(writer)
            return self._sign(writer.last)

    def seal(self) -> None:
        """Sign the trail and begin a new segment, unless the present one has no entry. Raises `Unreadable`."""
        with self._writing() as writer:
            self._settle(writer)
            self._sign(writer.last)
            if any(segment.stat().st_size for segment in self.chain.segments()[-1:]):
                writer.roll()

    def due(self) -> bool:
        """Whether an entry has waited for a checkpoint for ten minutes. Raises OSError."""
        waiting = self.since(self._covered())
        return bool(waiting) and time.time() - datetime.fromisoformat(waiting[0].time).timestamp() >= SECONDS

    def newest(self, limit: int) -> list[Entry]:
        """Return up to `limit` entries, newest first."""
        return list(islice(self.chain.newest(), limit))

    def entries(self) -> Iterator[Entry]:
        """Yield all entries, oldest first."""
        return self.chain.entries()

    def since(self, number: int) -> list[Entry]:
        """Return the entries after the one of this number, oldest first."""
        return list(takewhile(lambda entry: entry.seq > number, self.chain.newest()))[::-1]

    @property
    def total(self) -> int:
        """How many entries were ever written: the number of the last one."""
        last = next(self.chain.newest(), None)
        return last.seq if last else 0

    @property
    def covered(self) -> bool:
        """Whether a checkpoint covers every entry; each `EVERY` entries bring one."""
        newest = next(self.checkpoints.newest(), None)
        return newest is not None and newest.entry == self.total

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other thread or process write inside a `with` block. Raises OSError."""
        make_directory(self.directory)
        descriptor = os.open(self.directory / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with self._turn:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _writing(self) -> Iterator[Writer]:
        """Give a writer at the end of the trail, after a look whether it is as it was left. Raises `Unreadable`."""
        try:
            with self.alone():
                if self._writer is None or not self._writer.undisturbed:
                    self._writer = self._opened()
                yield self._writer
        except OSError as error:
            self._writer = None
            raise Unreadable(unwritable(self.directory, error)) from error
        except ConduitError as error:
            self._writer = None
            raise Unreadable(error.diagnostics) from error

    def _opened(self) -> Writer:
        """Return a new writer. Raises `Unreadable` when the newest segment does not hold, or the head is not in it."""
        if self._writer:
            self._writer.close()
        self._writer, self._signed = None, 0
        head, stub = self.head.read(), read_stub(self.directory)
        if head and stub == NOTHING and not self.chain.segments():
            stub = self._lost(head)
        if bad := broken_end(self.chain, head, stub):
            hint = "conduit audit verify tells more; conduit explain CND-2102 what to do"
            raise Unreadable(Diagnostic(TAMPERED, f"the audit trail is not as conduit left it: {bad}", hint=hint))
        return Writer(self.chain, (stub.entry, stub.hash))

    def _lost(self, head: Head) -> Signed:
        """Begin a trail that is gone anew, after the last entry it is known to have had, and say so in it."""
        stub = sign(self.key, STUB, self.site, head, LOST)
        write_stub(self.directory, stub)
        self._owed.insert(0, Act("trail_lost", FAILURE, f"entries up to {head.entry} are gone", CONDUIT))
        return stub

    def _settle(self, writer: Writer) -> None:
        """Write everything that is owed, and the checkpoint that is due. Raises OSError."""
        self._with_room(self._sign_when_full, writer)
        while self._owed:
            self._with_room(self._put, writer)
            fail("audit.after")
            self.head.write(Head(*writer.last))
            self._with_room(self._sign_when_full, writer)

    def _with_room(self, work: Callable[[Writer], None], writer: Writer) -> None:
        """Do something that needs space, if need be with the reserve."""
        try:
            work(writer)
        except OSError as error:
            if not self._reserve.give_up(error):
                raise
            work(writer)

    def _put(self, writer: Writer) -> None:
        """Write the first act that is owed; each day has segments of its own."""
        segment = self.chain.segments()[-1:]
        if segment and _day(segment[0].stat().st_mtime) != _day(time.time()):
            writer.roll()
        fail("audit.before")
        writer.append(0, self._owed[0].event, self._owed[0].data())
        del self._owed[0]

    def _sign_when_full(self, writer: Writer) -> None:
        if writer.last[0] - self._signed >= EVERY:
            self._signed = self._covered()
            if writer.last[0] - self._signed >= EVERY:
                self._sign(writer.last)

    def _sign(self, last: tuple[int, str]) -> Signed | None:
        if last[0] == self._covered():
            return None
        found = sign(self.key, CHECKPOINT, self.site, last)
        self.checkpoints.add(found)
        self._signed = found.entry
        return found

    def _covered(self) -> int:
        """Return the number of the last entry that a checkpoint covers."""
        signed = next(self.checkpoints.newest(), None)
        return signed.entry if signed else read_stub(self.directory).entry


def unwritable(directory: Path, error: OSError) -> Diagnostic:
    """Return why nothing can be written down in a directory now."""
    summary = f"the audit trail in {directory} cannot be written: {error.strerror or error}"
    return Diagnostic(UNWRITABLE, summary, hint="free space there, or repair its permissions")


def _day(epoch: float) -> int:
    return int(epoch // 86400)
