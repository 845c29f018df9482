"""self.db as it is read: users, roles, grants, tasks, sessions and keys, in a SQLite database beside the site's keys.

The journal is a rollback journal, so that looking writes nothing: a reader may wait for the end of a commit. Only a
file of an older conduit gets what it lacks when it is opened first.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from conduit.errors import Code, Diagnostic, Unreadable
from conduit.providers.self_rows import STEPS, VERSION, R
from conduit.providers.self_tables import Tables

STORE_UNREADABLE = Code(
    "CND-2401",
    "the users cannot be read",
    "self.db in keys_dir holds users, roles, grants, sessions and keys. It is not readable now, open to other users of "
    "this machine, damaged, or of a newer conduit. Until that is corrected nobody is recognised and nothing of it is "
    "changed. Correct what the message names, or put the file back from a backup with the server stopped.",
)
WAIT: Final = 5.0
"""Seconds anybody waits for a commit of somebody else."""


class SelfReader:
    """What is in self.db at a path, for any thread. Opening one does no I/O."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    @property
    def exists(self) -> bool:
        """Whether anything was ever stored."""
        return self.path.exists()

    def rows(self, sort: type[R], **where: Any) -> list[R]:
        """Return rows as `Tables.rows` does; none before anything was stored. Raises `Unreadable`."""
        with self.reading() as tables:
            return tables.rows(sort, **where) if tables else []

    def find(self, sort: type[R], **where: Any) -> R | None:
        """Return the first such row, None when there is none. Raises `Unreadable`."""
        return next(iter(self.rows(sort, **where)), None)

    @contextmanager
    def reading(self) -> Iterator[Tables | None]:
        """Give one consistent look at all tables; None before anything was stored. Raises `Unreadable`."""
        with self._transaction("BEGIN") as tables:
            yield tables

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Tables | None]:
        """Give the tables between `begin` and the commit, None when there is no file."""
        try:
            connection = self._connection()
            if connection is None:
                yield None
                return
            connection.execute(begin)
            try:
                yield Tables(connection)
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._unreadable(str(error)) from error

    def _connection(self) -> sqlite3.Connection | None:
        """Return this thread's connection to the file that lies at the path now; another file means another one."""
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from error
        self._require_private(found)
        place = (found.st_dev, found.st_ino)
        if getattr(self._local, "place", None) != place:
            self._local.connection = self._connect()
            self._local.place = place
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, timeout=WAIT, uri=True, isolation_level=None)
        connection.executescript("PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL;")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if 0 < version < VERSION:
            missing = "".join(STEPS[version:])
            connection.executescript(f"BEGIN IMMEDIATE; {missing} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            raise self._unreadable(f"its schema is {version}, and this conduit knows {VERSION}")
        return connection

    def _require_private(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid != os.geteuid():
            raise self._unreadable("it is not a file that only its owner may read; chmod 600, run conduit as the owner")

    def _unreadable(self, why: str) -> Unreadable:
        return Unreadable(Diagnostic(STORE_UNREADABLE, f"{self.path}: {why}", hint="correct it, or restore a backup"))
