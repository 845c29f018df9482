"""The records database: past runs, the native form each resource was last applied with, and what floated then.

It decides nothing but a label (docs/decisions/0002-records-decide-nothing.md), so it may fail: see `conduit.records`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any, Final

from msgspec import json

from conduit.canonical import canonical
from conduit.history_rows import Reverted, RunRecord, Started
from conduit.measures import rfc3339
from conduit.model import Key, Native
from conduit.records import Records, Steps

if TYPE_CHECKING:
    from pathlib import Path
    from sqlite3 import Connection

UPSERT: Final = """
INSERT INTO applied SELECT key, value, ?2 FROM json_each(?1) WHERE true
ON CONFLICT (key) DO UPDATE SET native = excluded.native, at = excluded.at
"""
"""One statement for all rows: SQLite then works without Python, whose other threads it would hold up at each row."""
ALL_APPLIED: Final = "SELECT key, native FROM applied"
APPLIED: Final = "SELECT key, native FROM applied WHERE key IN (SELECT value FROM json_each(?))"
FORGET_PINS: Final = """
DELETE FROM pins WHERE run < :oldest AND EXISTS (
    SELECT 1 FROM pins AS later WHERE later.key = pins.key AND later.run > pins.run AND later.run <= :oldest
)
"""
"""Forgets what none of the runs that are remembered can have had."""
NOTE_STARTED: Final = "INSERT OR REPLACE INTO started (run, manifests, files, keys, secrets) VALUES (?, ?, ?, ?, ?)"
STARTED: Final = "SELECT run, manifests, files, keys, secrets FROM started ORDER BY run"
KEPT_RUNS: Final = 5000
MANY: Final = 1000
"""From here on all natives are read at once, which takes less time than to look for each key."""
KEPT_STARTED: Final = 200


class History(Records):
    """The records of one state directory."""

    version = 2

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._expected: dict[Key, tuple[Native, str]] = {}

    def steps(self) -> Steps:
        """Return the steps of the tables; most processes find a database that has taken them all."""
        from conduit.history_tables import STEPS

        return STEPS

    def applied(self, keys: Collection[Key]) -> dict[Key, str]:
        """Return the canonical text of the last applied native of each key that has one."""
        few = len(keys) < MANY
        query, wanted = (APPLIED, (json.encode(list(map(str, keys))).decode(),)) if few else (ALL_APPLIED, ())
        known = dict(self.select(lambda c: c.execute(query, wanted)))
        return {key: known[text] for key in keys if (text := str(key)) in known} if known else {}

    def expect(self, natives: Mapping[Key, Native | None]) -> None:
        """Work out the texts of what may be recorded next, best `beside` an apply that waits for a daemon."""

        def work_out(_: Connection) -> None:
            kept = ((key, native) for key, native in natives.items() if native is not None)
            self._expected = {key: (native, canonical(native)) for key, native in kept}

        self.write(work_out)

    def record(self, natives: Mapping[Key, Native | None]) -> None:
        """Store what was just applied; None forgets the key."""
        if not natives:
            return
        now = rfc3339(time.time())

        def text(key: Key, native: Native) -> str:
            expected, found = self._expected.pop(key, (None, ""))
            return found if expected is native else canonical(native)

        def write(connection: Connection) -> None:
            kept = {str(key): text(key, native) for key, native in natives.items() if native is not None}
            gone = [(str(key),) for key, native in natives.items() if native is None]
            connection.execute(UPSERT, (json.encode(kept).decode(), now))
            connection.executemany("DELETE FROM applied WHERE key = ?", gone)

        self.write(write)

    def unproven(self) -> set[Key]:
        """Return the roots whose proof has not passed since they were applied."""
        return {Key.parse(key) for (key,) in self.select(lambda c: c.execute("SELECT key FROM unproven"))}

    def note_proofs(self, passed: Mapping[Key, bool]) -> None:
        """Remember which roots are still to be proven; writes nothing when nothing changed."""

        def write(connection: Connection) -> None:
            known = {key for (key,) in connection.execute("SELECT key FROM unproven")}
            told = {str(key): ok for key, ok in passed.items()}
            failing = [(key,) for key, ok in told.items() if not ok and key not in known]
            connection.executemany("INSERT INTO unproven VALUES (?)", failing)
            connection.executemany("DELETE FROM unproven WHERE key = ?", [(key,) for key in known if told.get(key)])

        if passed:
            self.write(write)

    def reverted(self) -> dict[Key, Reverted]:
        """Return what was taken back last, by root, and has not been applied since."""
        rows = self.select(lambda c: c.execute("SELECT root, digest, run, at, reason FROM reverted"))
        return {Key.parse(root): Reverted(*row) for root, *row in rows}

    def note_reverted(self, found: Mapping[Key, Reverted], held: Callable[[], Set[Key]]) -> None:
        """Remember what was taken back by root, and forget the roots that `held`, if any is remembered."""

        def write(connection: Connection) -> None:
            known = [root for (root,) in connection.execute("SELECT root FROM reverted")]
            kept = [(str(root), *each) for root, each in found.items()]
            gone = [(str(root),) for root in held() & set(map(Key.parse, known))] if known else []
            connection.executemany("INSERT OR REPLACE INTO reverted VALUES (?, ?, ?, ?, ?)", kept)
            connection.executemany("DELETE FROM reverted WHERE root = ?", gone)

        self.write(write)

    def drift(self) -> dict[Key, float]:
        """Return since when (epoch) each drift that is known has been seen."""
        return {Key.parse(key): since for key, since in self.select(lambda c: c.execute("SELECT * FROM drift"))}

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

        self.write(write)
        return found

    def add_run(self, run: RunRecord) -> None:
        """Store one finished run and forget the oldest beyond the limit."""

        def write(connection: Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", run.row())
            connection.execute("DELETE FROM runs WHERE id <= ?", (run.id - KEPT_RUNS,))

        self.write(write)

    def runs(self, limit: int = 20) -> list[RunRecord]:
        """Return the last runs, newest last."""
        rows = self.select(
            lambda c: map(RunRecord.of, c.execute("SELECT * FROM runs ORDER BY id DESC LIMIT ?", (limit,)))
        )
        return rows[::-1]

    def runs_after(self, run: int) -> list[RunRecord]:
        """Return all later runs that are remembered, newest last."""
        return self.select(
            lambda c: map(RunRecord.of, c.execute("SELECT * FROM runs WHERE id > ? ORDER BY id", (run,)))
        )

    def note_started(self, started: Started) -> None:
        """Remember what a run sets out to do, and forget all but the last `KEPT_STARTED`."""

        def write(connection: Connection) -> None:
            connection.execute(NOTE_STARTED, started.row())
            connection.execute("DELETE FROM started WHERE run <= ?", (started.run - KEPT_STARTED,))

        self.write(write)

    def note_secrets(self, run: int, fingerprints: Mapping[str, str]) -> None:
        """Remember all secrets that a run used in the end."""
        if fingerprints:
            row = (canonical(fingerprints), run)
            self.write(lambda c: c.execute("UPDATE started SET secrets = ?1 WHERE run = ?2 AND secrets <> ?1", row))

    def started(self) -> list[Started]:
        """Return the last runs that began, newest last."""
        return self.select(lambda c: map(Started.of, c.execute(STARTED)))

    def note_pins(self, run: int, pins: Mapping[Key, Any]) -> None:
        """Remember what wishes that float stood for after a run; writes only what is another thing than before."""
        known = self.pins(run)
        rows = [(run, str(key), canonical(pin)) for key, pin in pins.items() if known.get(key) != pin]
        if not rows:
            return

        def write(connection: Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO pins VALUES (?, ?, ?)", rows)
            connection.execute(FORGET_PINS, {"oldest": run - KEPT_STARTED})

        self.write(write)

    def pins(self, run: int) -> dict[Key, Any]:
        """Return what each wish that floats stood for after a run, as far as that is known."""
        rows = self.select(lambda c: c.execute("SELECT key, pin FROM pins WHERE run <= ? ORDER BY run", (run,)))
        return {Key.parse(key): json.decode(pin) for key, pin in rows}

    def run(self, run_id: int) -> RunRecord | None:
        """Return one past run, None when there is no record of it."""
        rows = self.select(lambda c: map(RunRecord.of, c.execute("SELECT * FROM runs WHERE id = ?", (run_id,))))
        return rows[0] if rows else None
