"""self.db: users, roles, grants, sessions and keys, in a SQLite database beside the keys of the site.

It is live state like that of a daemon, to be backed up, and nothing else may be derived from it. Readers never wait for
a writer (WAL), a commit is durable when it returns, and every process sees it at once.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from conduit.errors import Code, Diagnostic, Unreadable
from conduit.providers.files import TEMPORARY, make_directory, sync_directory
from conduit.providers.self_rows import SCHEMA, TABLES, VERSION, R, Row, Session, row_of, stored
from conduit.providers.self_witness import FILE as WITNESS
from conduit.providers.self_witness import Seen, Witness
from conduit.settings import Settings

STORE_UNREADABLE = Code(
    "CND-2401",
    "the users cannot be read",
    "self.db in keys_dir holds users, roles, grants, sessions and keys. It is not readable now, open to other users of "
    "this machine, damaged, or of a newer conduit. Until that is corrected nobody is recognised and nothing of it is "
    "changed. Correct what the message names, or put the file back from a backup with the server stopped.",
)
FILE: Final = "self.db"
WAIT: Final = 5.0
"""Seconds a writer waits for the one before it."""


class Tables:
    """The tables inside one transaction. Conditions are columns and the values they must have."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sort: type[R], **where: Any) -> list[R]:
        """Return the rows that meet every condition, in the order of their keys."""
        columns, table = ", ".join(sort._fields), TABLES[sort]
        query = f"SELECT {columns} FROM {table}{_where(sort, where)} ORDER BY 1"  # noqa: S608 - names of our own
        return [row_of(sort, each) for each in self._connection.execute(query, where)]

    def find(self, sort: type[R], **where: Any) -> R | None:
        """Return the first such row, None when there is none."""
        return next(iter(self.rows(sort, **where)), None)

    def put(self, row: Row) -> None:
        """Store a row, new or in place of the one with its key."""
        columns, values = ", ".join(row._fields), ", ".join("?" * len(row))
        command = f"INSERT OR REPLACE INTO {TABLES[type(row)]} ({columns}) VALUES ({values})"  # noqa: S608 - our own
        self._connection.execute(command, [*map(stored, row)])

    def delete(self, sort: type[Row], **where: Any) -> int:
        """Delete the rows that meet every condition and return how many there were."""
        command = f"DELETE FROM {TABLES[sort]}{_where(sort, where)}"  # noqa: S608 - names of our own
        return self._connection.execute(command, where).rowcount

    @property
    def number(self) -> int:
        """How many times anything was changed."""
        (found,) = self._connection.execute("SELECT number FROM changes").fetchone()
        return int(found)

    def count_up(self, number: int) -> None:
        """Set the number of the last change."""
        self._connection.execute("UPDATE changes SET number = ?", [number])

    def usable_keys(self) -> frozenset[str]:
        """Return the ids of the keys that are not revoked."""
        return frozenset(id_ for (id_,) in self._connection.execute("SELECT id FROM keys WHERE active"))

    def end_again(self, revoked: Iterable[str]) -> None:
        """End what a backup brought back: every session, and the keys that were revoked since."""
        self.delete(Session)
        self._connection.executemany("UPDATE keys SET active = 0 WHERE id = ?", [[id_] for id_ in revoked])


class SelfStore:
    """self.db of one site, for any thread. Opening one does no I/O; the file appears with the first row."""

    def __init__(self, path: Path, witness: Path) -> None:
        self.path, self._witness = path, Witness(witness)
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
    def writing(self) -> Iterator[Tables]:
        """Give the tables to change, alone; all of it counts when the block ends, nothing when it raises.

        Raises `Unreadable`.
        """
        self._create()
        with self._transaction("BEGIN IMMEDIATE") as tables:
            if tables is None:
                raise self._unreadable("it vanished")
            seen = self._witness.read()
            revoked = seen.revoked if seen else frozenset()
            if _is_behind(tables, seen):
                tables.end_again(revoked)
            usable = tables.usable_keys()
            yield tables
            last = Seen(max(tables.number, seen.number if seen else 0) + 1, revoked | (usable - tables.usable_keys()))
            tables.count_up(last.number)
            self._witness.write(last)

    def settle(self) -> None:
        """End what an older file brought back when it was put in place of a newer one. Raises `Unreadable`, OSError."""
        with self.reading() as tables:
            behind = tables is not None and _is_behind(tables, self._witness.read())
        if behind:
            with self.writing():
                pass

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
        place = (found.st_dev, found.st_ino)
        if getattr(self._local, "place", None) != place:
            self._require_private(found)
            self._local.connection = self._connect()
            self._local.place = place
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, timeout=WAIT, uri=True, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version != VERSION:
            raise self._unreadable(f"its schema is {version}, and this conduit knows {VERSION}")
        return connection

    def _create(self) -> None:
        """Make the file with its tables unless it is there; it gets its name when it is whole."""
        if self.exists:
            return
        draft = self.path.with_name(f"{TEMPORARY}{FILE}.{os.getpid()}-{threading.get_native_id()}.tmp")
        try:
            make_directory(self.path.parent)
            os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            connection = sqlite3.connect(draft)
            connection.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA} PRAGMA user_version = {VERSION};")
            connection.close()
            os.link(draft, self.path)
            sync_directory(self.path.parent)
        except FileExistsError:
            return
        except (sqlite3.Error, OSError) as error:
            raise self._unreadable(f"it cannot be made: {error}") from error
        finally:
            draft.unlink(missing_ok=True)

    def _require_private(self, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077 or found.st_uid != os.geteuid():
            raise self._unreadable("it is not a file that only its owner may read; chmod 600, run conduit as the owner")

    def _unreadable(self, why: str) -> Unreadable:
        return Unreadable(Diagnostic(STORE_UNREADABLE, f"{self.path}: {why}", hint="correct it, or restore a backup"))


def open_store(settings: Settings) -> SelfStore:
    """Return self.db of a site, beside its keys."""
    return SelfStore(settings.path(settings.keys_dir) / FILE, settings.path(settings.state_dir) / WITNESS)


def _is_behind(tables: Tables, seen: Seen | None) -> bool:
    """Whether the file is older than the last one that was written, as far as anybody can tell."""
    return tables.number > 0 if seen is None else tables.number < seen.number


def _where(sort: type[Row], where: dict[str, Any]) -> str:
    """Return a condition over the columns of a table; a name that is none is a mistake in conduit."""
    unknown = where.keys() - set(sort._fields)
    if unknown:
        raise TypeError(f"{sort.__name__} has no {', '.join(sorted(unknown))}")
    return " WHERE " + " AND ".join(f"{column} = :{column}" for column in where) if where else ""
