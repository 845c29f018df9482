"""The records database: past runs, and the native form each resource was last applied with.

It decides nothing but a label (docs/decisions/0002-records-decide-nothing.md). So reading never fails: a database that
is missing, locked or damaged has no records. Writing never fails a run either: it leaves a warning, and a damaged file
is moved aside.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from conduit.canonical import canonical
from conduit.change import Action, Outcome, Result
from conduit.model import Key, Native
from conduit.providers.files import make_directory

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS applied (key TEXT PRIMARY KEY, native TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL, finished TEXT NOT NULL, operation TEXT NOT NULL,
    result TEXT NOT NULL, digest TEXT NOT NULL, "commit" TEXT NOT NULL, summary TEXT NOT NULL, outcomes TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS unproven (key TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reverted (
    root TEXT PRIMARY KEY, digest TEXT NOT NULL, run INTEGER NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS started (run INTEGER PRIMARY KEY, manifests TEXT NOT NULL, keys TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS drift (key TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
"""
UPSERT: Final = """
INSERT INTO applied VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET native = excluded.native, at = excluded.at
"""
KEPT_RUNS: Final = 5000
KEPT_STARTED: Final = 200
READ_WAIT: Final = 0.25
"""Seconds a reader waits for a writer's commit before it goes on without records."""
WRITE_WAIT: Final = 5.0
DAMAGED: Final = (1, 11, 26)
"""SQLITE_ERROR (another schema), SQLITE_CORRUPT and SQLITE_NOTADB, https://sqlite.org/rescode.html."""
CACHE_KIB: Final = 65536
"""Page cache of a writer, large enough that other processes can read until it commits."""


class RunRecord(NamedTuple):
    """One past run; times are RFC 3339, `summary` counts outcomes by result."""

    id: int
    started: str
    finished: str
    operation: str
    result: str
    digest: str
    commit: str
    summary: Mapping[str, int]
    outcomes: tuple[Outcome, ...]


class Reverted(NamedTuple):
    """What a run took back of one root: the digest of its changes, the run, the time (RFC 3339), and why."""

    digest: str
    run: int
    at: str
    reason: str


class Started(NamedTuple):
    """A run that began: the hash of its manifests, and the keys it set out to change."""

    run: int
    manifests: str
    keys: tuple[Key, ...]


class History:
    """The records of one state directory. Opening one does no I/O. `warnings` tells what could not be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []

    def applied(self, keys: Iterable[Key]) -> dict[Key, str]:
        """Return the canonical text of the last applied native of each key that has one."""
        wanted = {str(key): key for key in keys}
        if not wanted:
            return {}
        return {wanted[key]: native for key, native in self._select(lambda c: _find(c, list(wanted)))}

    def record(self, natives: Mapping[Key, Native | None]) -> None:
        """Store what was just applied; None forgets the key."""
        if not natives:
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        kept = [(str(key), canonical(native), now) for key, native in natives.items() if native is not None]
        gone = [(str(key),) for key, native in natives.items() if native is None]

        def write(connection: Connection) -> None:
            connection.executemany(UPSERT, kept)
            connection.executemany("DELETE FROM applied WHERE key = ?", gone)

        self._write(write)

    def unproven(self) -> set[Key]:
        """Return the roots whose proof has not passed since they were applied."""
        return {Key.parse(key) for (key,) in self._select(lambda c: c.execute("SELECT key FROM unproven"))}

    def note_proofs(self, passed: Mapping[Key, bool]) -> None:
        """Remember which roots are still to be proven; writes nothing when nothing changed."""
        known = self.unproven()
        failing = [(str(key),) for key, ok in passed.items() if not ok and key not in known]
        proven = [(str(key),) for key, ok in passed.items() if ok and key in known]
        if not failing and not proven:
            return

        def write(connection: Connection) -> None:
            connection.executemany("INSERT OR IGNORE INTO unproven VALUES (?)", failing)
            connection.executemany("DELETE FROM unproven WHERE key = ?", proven)

        self._write(write)

    def reverted(self) -> dict[Key, Reverted]:
        """Return what was taken back last, by root, and has not been applied since."""
        rows = self._select(lambda c: c.execute("SELECT root, digest, run, at, reason FROM reverted"))
        return {Key.parse(root): Reverted(*row) for root, *row in rows}

    def note_reverted(self, found: Mapping[Key, Reverted | None]) -> None:
        """Remember what was taken back; None forgets a root. Writes nothing when nothing changed."""
        known = self.reverted()
        gone = [(str(root),) for root, each in found.items() if each is None and root in known]
        kept = [(str(root), *each) for root, each in found.items() if each]
        if not gone and not kept:
            return

        def write(connection: Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO reverted VALUES (?, ?, ?, ?, ?)", kept)
            connection.executemany("DELETE FROM reverted WHERE root = ?", gone)

        self._write(write)

    def drift(self) -> dict[Key, float]:
        """Return since when (epoch) each drift that is known has been seen."""
        return {Key.parse(key): since for key, since in self._select(lambda c: c.execute("SELECT * FROM drift"))}

    def note_drift(self, keys: Iterable[Key], now: float) -> dict[Key, float]:
        """Remember which keys drift at `now`, and return since when each does. Writes only what changed."""
        known = self.drift()
        found = {key: known.get(key, now) for key in keys}
        if found == known:
            return found
        gone = [(str(key),) for key in known.keys() - found.keys()]
        rows = [(str(key), since) for key, since in found.items()]

        def write(connection: Connection) -> None:
            connection.executemany("DELETE FROM drift WHERE key = ?", gone)
            connection.executemany("INSERT OR REPLACE INTO drift VALUES (?, ?)", rows)

        self._write(write)
        return found

    def add_run(self, run: RunRecord) -> None:
        """Store one finished run and forget the oldest beyond the limit."""
        summary, outcomes = json.dumps(dict(run.summary)), json.dumps([_encoded(o) for o in run.outcomes])
        row = (run.id, run.started, run.finished, run.operation, run.result, run.digest, run.commit, summary, outcomes)

        def write(connection: Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            connection.execute("DELETE FROM runs WHERE id <= ?", (run.id - KEPT_RUNS,))

        self._write(write)

    def runs(self, limit: int = 20) -> list[RunRecord]:
        """Return the last runs, newest last."""
        rows = self._select(lambda c: map(_run, c.execute("SELECT * FROM runs ORDER BY id DESC LIMIT ?", (limit,))))
        return rows[::-1]

    def note_started(self, started: Started) -> None:
        """Remember what a run sets out to do, and forget all but the last `KEPT_STARTED`."""
        row = (started.run, started.manifests, json.dumps([str(key) for key in started.keys]))

        def write(connection: Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO started VALUES (?, ?, ?)", row)
            connection.execute("DELETE FROM started WHERE run <= ?", (started.run - KEPT_STARTED,))

        self._write(write)

    def started(self) -> list[Started]:
        """Return the last runs that began, newest last."""
        rows = self._select(lambda c: c.execute("SELECT run, manifests, keys FROM started ORDER BY run"))
        return [Started(run, manifests, tuple(map(Key.parse, json.loads(keys)))) for run, manifests, keys in rows]

    def run(self, run_id: int) -> RunRecord | None:
        """Return one past run, None when there is no record of it."""
        rows = self._select(lambda c: map(_run, c.execute("SELECT * FROM runs WHERE id = ?", (run_id,))))
        return rows[0] if rows else None

    def _select(self, query: Callable[[Connection], Iterable[T]]) -> list[T]:
        """Run a query without creating or changing a file; no rows when that is not possible."""
        import sqlite3

        try:
            with self._connect(READ_WAIT) as connection:
                return list(query(connection))
        except (sqlite3.Error, ValueError, TypeError, LookupError, OverflowError):
            return []

    def _write(self, change: Callable[[Connection], None]) -> None:
        """Run one transaction; a damaged database is moved aside and begun anew."""
        import sqlite3

        try:
            try:
                self._commit(change)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # SQLite may quote damaged bytes
                if getattr(error, "sqlite_errorcode", DAMAGED[0]) & 0xFF not in DAMAGED:
                    raise
                self._move_aside()
                self._commit(change)
        except (sqlite3.Error, OSError) as error:
            self.warnings.append(f"the records in {self.path} were not written: {error}")

    def _commit(self, change: Callable[[Connection], None]) -> None:
        make_directory(self.path.parent)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        with self._connect(WRITE_WAIT) as connection:
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.executescript(SCHEMA)
            with connection:
                change(connection)

    @contextmanager
    def _connect(self, wait: float) -> Iterator[Connection]:
        import sqlite3

        with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=rw", timeout=wait, uri=True)) as connection:
            yield connection

    def _move_aside(self) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        self.path.with_name(f"{self.path.name}-journal").unlink(missing_ok=True)
        self.path.replace(aside)
        self.warnings.append(f"the records were damaged; they are now {aside}, and new ones were begun")


def _find(connection: Connection, keys: list[str]) -> Iterator[tuple[str, str]]:
    wanted = "SELECT key, native FROM applied WHERE key IN (SELECT value FROM json_each(?))"
    yield from connection.execute(wanted, (json.dumps(keys),))


def _encoded(outcome: Outcome) -> list[Any]:
    return [str(outcome.key), outcome.action, outcome.result, outcome.reason, outcome.seconds]


def _decoded(key: str, action: str, result: str, reason: str, seconds: float) -> Outcome:
    return Outcome(Key.parse(key), Action(action), Result(result), reason, seconds)


def _run(row: tuple[Any, ...]) -> RunRecord:
    *facts, summary, outcomes = row
    columns = (*facts, json.loads(summary), tuple(_decoded(*outcome) for outcome in json.loads(outcomes)))
    return RunRecord(*columns)
