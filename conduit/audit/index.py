"""Where entries are, by what people look for: made of the trail, behind it by nothing, and made again when it is gone.

It proves nothing: what is shown is read from the trail, and `conduit audit verify` never looks here.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar

from conduit.audit.act import SUCCESS
from conduit.audit.checkpoints import read_stub
from conduit.audit.events import name_of, resource_of, uuid_of
from conduit.audit.trail import Trail
from conduit.chain import Entry, Located

VERSION: Final = 1
"""The version of the tables, kept as the file's user_version; an index of another one is made again."""
SCHEMA: Final = f"""
CREATE TABLE entries (
    entry INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, segment TEXT NOT NULL, offset INTEGER NOT NULL,
    at REAL NOT NULL, day TEXT NOT NULL, actor_id TEXT NOT NULL, actor_type TEXT NOT NULL, action TEXT NOT NULL,
    resource_type TEXT NOT NULL, resource_id TEXT NOT NULL, client_ip TEXT NOT NULL, success INTEGER NOT NULL
);
CREATE INDEX entries_at ON entries (at);
CREATE INDEX entries_actor ON entries (actor_id, actor_type);
PRAGMA user_version = {VERSION};
"""
INSERT: Final = "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
FIND: Final = """
SELECT segment, offset, count(*) OVER () FROM entries
WHERE (:actor_id IS NULL OR actor_id = :actor_id) AND (:actor_type IS NULL OR actor_type = :actor_type)
    AND (:action IS NULL OR action = :action) AND (:client_ip IS NULL OR client_ip = :client_ip)
    AND (:resource_type IS NULL OR resource_type = :resource_type)
    AND (:resource_id IS NULL OR resource_id = :resource_id)
    AND (:success IS NULL OR success = :success) AND (:start IS NULL OR at >= :start) AND (:end IS NULL OR at <= :end)
ORDER BY entry DESC LIMIT :limit OFFSET :offset
"""
COUNT: Final = """
SELECT CASE :by
    WHEN 'action' THEN action WHEN 'actor_type' THEN actor_type WHEN 'resource_type' THEN resource_type
    WHEN 'day' THEN day WHEN 'success' THEN success
END, count(*) FROM entries WHERE at >= :since GROUP BY 1 ORDER BY 2 DESC, 1
"""
ACTORS: Final = """
SELECT actor_id, actor_type, count(*), max(at) FROM entries GROUP BY 1, 2 ORDER BY 3 DESC, 1 LIMIT ?
"""
Row = tuple[str, int, int]
"""The segment of an entry, the offset of its line there, and how many entries were meant with it."""
PART: Final = 1000
"""Entries that are taken in at once."""
T = TypeVar("T")
By = Literal["action", "actor_type", "resource_type", "day", "success"]


class Filter(NamedTuple):
    """Which entries are meant; None for any. Times are seconds since the epoch, `start` and `end` included."""

    actor_id: str | None = None
    actor_type: str | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    client_ip: str | None = None
    success: bool | None = None
    start: float | None = None
    end: float | None = None


class Index:
    """The index of one trail, in a file beside it. Safe to use from threads. Opening does no I/O."""

    def __init__(self, trail: Trail, path: Path) -> None:
        self._trail, self._path, self._turn = trail, path, threading.Lock()

    def find(self, wanted: Filter, limit: int, offset: int = 0) -> tuple[list[Entry], int]:
        """Return some of the entries that are meant, newest first, and how many there are in all. Raises OSError."""

        def ask(database: sqlite3.Connection) -> tuple[list[Row], int]:
            rows = _found(database, wanted, limit, offset)
            return rows, (rows or _found(database, wanted, 1, 0) or [("", 0, 0)])[0][2]

        rows, total = self._asked(ask)
        return list(self._read(rows)), total

    def stream(self, wanted: Filter, limit: int) -> Iterator[Entry]:
        """Return the entries that are meant, newest first, each read when it is asked for. Raises OSError."""
        return self._read(self._asked(lambda database: _found(database, wanted, limit, 0)))

    def one(self, name: str) -> Entry | None:
        """Return the entry of a number or uuid. Raises OSError."""
        number = int(name) if name.isdecimal() else -1
        query = "SELECT segment, offset, 1 FROM entries WHERE entry = ? OR uuid = ?"
        rows = self._asked(lambda database: database.execute(query, [number, name.lower()]).fetchall())
        return next(self._read(rows), None)

    def counts(self, by: By, since: float = 0.0) -> dict[str, int]:
        """Return how many entries there are of each value of a column. Raises OSError."""
        rows = self._asked(lambda database: database.execute(COUNT, {"by": by, "since": since}).fetchall())
        return {str(value): count for value, count in rows}

    def actors(self, limit: int) -> list[tuple[str, str, int, float]]:
        """Return who did most: name, sort, how much, and when last (seconds since the epoch). Raises OSError."""
        return self._asked(lambda database: database.execute(ACTORS, [limit]).fetchall())

    def _read(self, rows: Iterable[Row]) -> Iterator[Entry]:
        found = (self._trail.chain.read(self._trail.directory / segment, offset) for segment, offset, _ in rows)
        return (entry for entry in found if entry)

    def _asked(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """Ask the index, with everything in it that the trail has; a damaged one is made anew. Raises OSError."""
        with self._turn:
            try:
                return self._asked_once(ask)
            except sqlite3.Error:
                self._path.unlink(missing_ok=True)
            try:
                return self._asked_once(ask)
            except sqlite3.Error as error:
                raise OSError(f"the index of the audit trail cannot be made: {error}") from error

    def _asked_once(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        with closing(self._opened()) as database:
            self._catch_up(database)
            return ask(database)

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=5.0)
        if database.execute("PRAGMA user_version").fetchone() == (VERSION,):
            return database
        database.close()
        self._path.unlink()
        database = sqlite3.connect(self._path, timeout=5.0)
        self._path.chmod(0o600)
        database.executescript(SCHEMA)
        return database

    def _catch_up(self, database: sqlite3.Connection) -> None:
        newest = "SELECT segment, offset, uuid FROM entries ORDER BY entry DESC LIMIT 1"
        last = database.execute(newest).fetchone()
        with database:
            if last and not self._is_there(*last):
                database.execute("DELETE FROM entries")
                last = None
            database.execute("DELETE FROM entries WHERE entry <= ?", [read_stub(self._trail.directory).entry])
        fresh = self._trail.chain.located(last and (last[0], last[1]))
        while part := list(islice(fresh, PART)):
            with database:
                database.executemany(INSERT, map(_row, part))

    def _is_there(self, segment: str, offset: int, uuid: str) -> bool:
        entry = self._trail.chain.read(self._trail.directory / segment, offset)
        return entry is not None and uuid_of(entry) == uuid


def _found(database: sqlite3.Connection, wanted: Filter, limit: int, offset: int) -> list[Row]:
    return database.execute(FIND, {**wanted._asdict(), "limit": limit, "offset": offset}).fetchall()


def _row(found: Located) -> tuple[Any, ...]:
    entry, data = found.entry, found.entry.data
    moment = datetime.fromisoformat(entry.time)
    place = (found.segment, found.offset, moment.timestamp(), moment.date().isoformat())
    who = (data["user"], data["sort"], data["action"], resource_of(entry), name_of(entry), data["address"])
    return (entry.seq, uuid_of(entry), *place, *who, data["status"] == SUCCESS)
