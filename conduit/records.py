"""A SQLite file of records that may be missing, locked or damaged at any time.

Reading never fails: there are no records then. Writing never fails a run either: it leaves a warning, and a damaged
file is moved aside.

The version of its schema is the file's user_version (https://sqlite.org/pragma.html#pragma_user_version). A file of an
earlier one takes the steps it lacks with the first write, and is read as if it had taken them; one of a later conduit
is moved aside like a damaged one.
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from conduit.providers.files import make_directory

if TYPE_CHECKING:
    from queue import Queue
    from sqlite3 import Connection

T = TypeVar("T")

READ_WAIT: Final = 0.25
"""Seconds a reader waits for a writer's commit before it goes on without records."""
WRITE_WAIT: Final = 5.0
DAMAGED: Final = (1, 11, 26)
"""SQLITE_ERROR (tables that are not ours), SQLITE_CORRUPT and SQLITE_NOTADB, https://sqlite.org/rescode.html."""
CACHE_KIB: Final = 65536
"""Page cache of a writer, large enough that other processes can read until it commits."""

Write = Callable[["Connection"], object]
"""What is done in a transaction."""
Steps = tuple[Write, ...]
"""What leads from each version of a schema to the next, beginning with an empty file, version 0."""


class Newer(Exception):
    """A file with a later schema than this conduit knows."""


class Records(ABC):
    """The records in one file. Opening one does no I/O. `warnings` tells what could not be written."""

    version: ClassVar[int]
    """That of the schema: the number of its steps."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._queue: Queue[Write | None] | None = None

    @abstractmethod
    def steps(self) -> Steps:
        """Return what leads to the schema; asked for by a database that lacks some of it."""

    def select(self, query: Callable[[Connection], Iterable[T]]) -> list[T]:
        """Run a query without creating or changing a file; no rows when that is not possible."""
        import sqlite3

        try:
            with self._connect(READ_WAIT) as connection:
                if self._is_behind(connection):
                    return self._select_stepped(connection, query)
                return list(query(connection))
        except (sqlite3.Error, Newer, ValueError, TypeError, LookupError, OverflowError):
            return []

    def _select_stepped(self, connection: Connection, query: Callable[[Connection], Iterable[T]]) -> list[T]:
        """Run a query on a copy, in memory, that has taken the steps that the file lacks."""
        import sqlite3

        with closing(sqlite3.connect(":memory:")) as copy:
            connection.backup(copy)
            self._take_steps(copy)
            return list(query(copy))

    def write(self, change: Write) -> None:
        """Run one transaction, now or `beside` what goes on."""
        if self._queue is None:
            self._carry_out([change])
        else:
            self._queue.put(change)

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Let a thread carry out in their order what is written in a `with` block; leaving it waits for the last.

        A commit waits for the disk several times. What comes together meanwhile goes into the next transaction.
        """
        from queue import Queue
        from threading import Thread

        queue = self._queue = Queue()
        writer = Thread(target=self._drain, args=(queue,), name="records", daemon=True)
        writer.start()
        try:
            yield
        finally:
            self._queue = None
            queue.put(None)
            writer.join()

    def take_warnings(self) -> tuple[str, ...]:
        """Return what there is to warn of since this was called last."""
        told, self.warnings = tuple(self.warnings), []
        return told

    def wait(self) -> None:
        """Wait until all is written that was so far."""
        if self._queue is not None:
            self._queue.join()

    def _drain(self, queue: Queue[Write | None]) -> None:
        changes: list[Write | None] = []
        while None not in changes:
            changes = [queue.get(), *(queue.get_nowait() for _ in range(queue.qsize()))]
            try:
                self._carry_out([change for change in changes if change])
            except Exception as error:  # noqa: BLE001 - nobody would hear of it, and a run never fails for its records
                self._warn(error)
            for _ in changes:
                queue.task_done()

    def _carry_out(self, changes: list[Write]) -> None:
        """Run changes as one transaction; a database that is of no use is moved aside and begun anew."""
        import sqlite3

        try:
            try:
                self._commit(changes)
            except Newer:
                self._move_aside("newer", "of a newer conduit")
                self._commit(changes)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # SQLite may quote damaged bytes
                if isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF not in DAMAGED:
                    raise
                self._move_aside("damaged", "damaged, or not conduit's")
                self._commit(changes)
        except (sqlite3.Error, Newer, OSError) as error:
            self._warn(error)

    def _warn(self, error: Exception) -> None:
        self.warnings.append(f"the records in {self.path} were not written: {error}")

    def _commit(self, changes: list[Write]) -> None:
        if not changes:
            return
        make_directory(self.path.parent)
        self._make_file()
        with self._connect(WRITE_WAIT) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            self._take_steps(connection)
            with connection:
                for change in changes:
                    change(connection)

    def _take_steps(self, connection: Connection) -> None:
        """Bring a database up to this conduit's schema in one transaction. Raises Newer."""
        if not self._is_behind(connection):
            return
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for step in self.steps()[_version(connection) :]:  # none when another process was faster
                step(connection)
            connection.execute(f"PRAGMA user_version = {self.version}")

    def _is_behind(self, connection: Connection) -> bool:
        """Tell whether a database lacks some of this conduit's schema. Raises Newer."""
        version = _version(connection)
        if version > self.version:
            raise Newer(f"their schema is {version}, and this conduit knows {self.version}")
        return version < self.version

    def _make_file(self) -> None:
        """Make the file, for this user alone. Raises OSError for a symbolic link.

        One that is there is not opened: closing it would end the locks of every connection of this process, and another
        process would read and write in the middle of a transaction (https://sqlite.org/howtocorrupt.html, 2.2).
        """
        if self.path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(self.path))
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    @contextmanager
    def _connect(self, wait: float) -> Iterator[Connection]:
        import sqlite3

        with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=rw", timeout=wait, uri=True)) as connection:
            yield connection

    def _move_aside(self, suffix: str, why: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.{suffix}")
        self.path.with_name(f"{self.path.name}-journal").unlink(missing_ok=True)
        self.path.replace(aside)
        self.warnings.append(f"the records were {why}; they are now {aside}, and new ones were begun")


def _version(connection: Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
