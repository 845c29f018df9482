"""One applier at a time: a lock file that names its holder and frees itself when the holder dies.

The kernel's flock decides; the record in the file only tells people who holds it. A holder that was stopped for long
asks `check` before each daemon call, because its file may have been replaced in the meantime.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from conduit.errors import Code, ConduitError, Diagnostic, Locked
from conduit.measures import rfc3339
from conduit.providers.files import make_directory

LOCK_HELD = Code(
    "CND-0551",
    "Another run holds the lock",
    "Only one run changes the live systems at a time, else two plans would undo each other. The message names the "
    "operation, process and age of the holder. Wait for it or give a waiting time; a holder that dies frees the lock "
    "at once, so there is never a file to delete.",
)
LOCK_LOST = Code(
    "CND-0552",
    "This run lost the lock",
    "The lock file was deleted or replaced while this run was stopped or slow, so another run may have started. This "
    "run changes nothing more, because its plan may be out of date. Run the command again.",
)
LOCK_UNUSABLE = Code(
    "CND-0553",
    "The lock file cannot be opened",
    "Conduit keeps its lock in the state directory and changes nothing without it. Check that the directory exists, "
    "is writable by this user and is not full; conduit normally runs as root.",
)
RETRY: Final = 0.05
"""Seconds between two tries while waiting."""
RECORD_LIMIT: Final = 4096


class Holder(Struct, frozen=True):
    """Who holds the lock. `started` is the process start in clock ticks since boot, so a reused pid is told apart."""

    number: int
    operation: str
    pid: int
    started: int
    host: str
    boot: str
    since: str

    def alive(self) -> bool:
        """Whether that very process still runs on this boot of this host."""
        return self.boot == _boot_id() and self.started == _start_time(self.pid) != 0

    def age(self) -> str:
        """How long the lock is held, in words."""
        seconds = max(0, int(time.time() - datetime.fromisoformat(self.since).timestamp()))
        for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
            if seconds >= size:
                return _count(seconds // size, unit)
        return _count(seconds, "second")


class Lock:
    """The lock file of one state directory. `number` is the fencing number of the present hold, 0 when not held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        self._descriptor = -1

    @contextmanager
    def hold(self, operation: str, timeout: float = 0.0) -> Iterator[Lock]:
        """Hold the lock for a `with` block, waiting up to `timeout` seconds for it.

        Raises `Locked` naming the holder, `ConduitError` when the file cannot be opened or written.
        """
        self._descriptor = self._acquire(time.monotonic() + timeout)
        try:
            self._sign(operation)
            yield self
        finally:
            self._release()

    def check(self) -> None:
        """Raise `Locked` unless this run still holds the lock: the path is our file, and the number in it is ours."""
        if self._ours():
            return
        summary = f"this run no longer holds the lock {self.path}"
        raise Locked(Diagnostic(LOCK_LOST, summary, hint="nothing more was changed; run the command again"))

    def holder(self) -> Holder | None:
        """Return the live process that holds the lock, for status; takes no lock and writes nothing."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        try:
            found = _holder(_read(descriptor))
        finally:
            os.close(descriptor)
        return found if found and found.alive() else None

    def _acquire(self, deadline: float) -> int:
        while True:
            descriptor = self._open()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                if time.monotonic() >= deadline:
                    raise self._contended() from None
                time.sleep(RETRY)
            else:
                if self._is_path(descriptor):
                    return descriptor
                os.close(descriptor)

    def _open(self) -> int:
        try:
            make_directory(self.path.parent)
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._unusable(error) from error

    def _sign(self, operation: str) -> None:
        """Write who we are and take the next fencing number."""
        number = _number(self._descriptor) + 1
        try:
            _write(self._descriptor, asdict(_myself(operation, number)))
        except OSError as error:
            raise self._unusable(error) from error
        self.number = number

    def _release(self) -> None:
        """Blank the record but keep the number; a record that cannot be blanked dies with this process."""
        if self._ours():
            with suppress(OSError):
                _write(self._descriptor, {"number": self.number})
        os.close(self._descriptor)
        self._descriptor, self.number = -1, 0

    def _ours(self) -> bool:
        return self.number > 0 and self._is_path(self._descriptor) and _number(self._descriptor) == self.number

    def _is_path(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.lstat())
        except OSError:
            return False

    def _contended(self) -> Locked:
        holder = self.holder()
        who = f"{holder.operation}, pid {holder.pid} on {holder.host}, for {holder.age()}" if holder else "unknown"
        hint = "wait for it to end, or stop that process: the lock is then free at once"
        return Locked(Diagnostic(LOCK_HELD, f"another run holds the lock {self.path} ({who})", hint=hint))

    def _unusable(self, error: OSError) -> ConduitError:
        summary = f"cannot use the lock {self.path}: {error.strerror or error}"
        return ConduitError(Diagnostic(LOCK_UNUSABLE, summary, hint="check the state directory; conduit runs as root"))


def _myself(operation: str, number: int) -> Holder:
    return Holder(
        number=number,
        operation=operation,
        pid=os.getpid(),
        started=_start_time(os.getpid()),
        host=os.uname().nodename,
        boot=_boot_id(),
        since=rfc3339(time.time()),
    )


def _read(descriptor: int) -> dict[str, Any]:
    """Return the record of a lock file; a torn or foreign one is empty."""
    line = os.pread(descriptor, RECORD_LIMIT, 0).partition(b"\n")[0]
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _write(descriptor: int, record: dict[str, Any]) -> None:
    """Replace the record in place, because the file's identity is the lock; the first line is always whole."""
    line = json.dumps(record).encode() + b"\n"
    os.pwrite(descriptor, line, 0)
    os.ftruncate(descriptor, len(line))


def _number(descriptor: int) -> int:
    number = _read(descriptor).get("number")
    return number if isinstance(number, int) else 0


def _holder(record: dict[str, Any]) -> Holder | None:
    try:
        return Holder(**record)
    except TypeError:
        return None


def _start_time(pid: int) -> int:
    """Return field 22 of /proc/PID/stat (proc_pid_stat(5)), 0 when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" + ("" if number == 1 else "s")
