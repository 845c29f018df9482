"""A records database that is damaged, of another schema, locked or gone: never in the way."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from history_world import KEYS, a_run, listing

from conduit import history_tables
from conduit.history import History
from conduit.history_rows import Started


@pytest.mark.parametrize("content", [b"", b"not a database" * 500, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_damaged_database_has_no_records_and_is_moved_aside(
    history: History, records_db: Path, content: bytes
) -> None:
    records_db.parent.mkdir()
    records_db.write_bytes(content)
    before = listing(records_db.parent)
    assert (history.applied(KEYS), history.runs(), history.run(1)) == ({}, [], None)
    assert listing(records_db.parent) == before
    history.record({KEYS[0]: 1})
    assert history.applied(KEYS) == {KEYS[0]: "1"}
    if content:
        assert records_db.with_name("records.db.damaged").read_bytes() == content
        assert "records.db.damaged" in history.warnings[0]


def test_a_database_of_another_schema_is_moved_aside(history: History, records_db: Path) -> None:
    records_db.parent.mkdir()
    with closing(sqlite3.connect(records_db)) as other:
        other.execute("CREATE TABLE applied (something TEXT)")
    assert history.applied(KEYS) == {}
    history.record({KEYS[0]: 1})
    assert history.applied(KEYS) == {KEYS[0]: "1"}
    assert len(history.warnings) == 1


FIRST_TABLES = """
CREATE TABLE applied (key TEXT PRIMARY KEY, native TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, started TEXT NOT NULL, finished TEXT NOT NULL, operation TEXT NOT NULL,
    result TEXT NOT NULL, digest TEXT NOT NULL, "commit" TEXT NOT NULL, summary TEXT NOT NULL, outcomes TEXT NOT NULL
);
INSERT INTO applied VALUES ('route/r0', '"served"', '2026-05-01T10:00:00+00:00');
INSERT INTO runs VALUES (1, '2026-05-01', '2026-05-01', 'apply', 'ok', 'abc', 'c0ffee', '{"ok":1}', '[]');
"""

LATER_TABLES = """
CREATE TABLE started (run INTEGER PRIMARY KEY, manifests TEXT NOT NULL, keys TEXT NOT NULL);
INSERT INTO started VALUES (1, 'm1', '["route/r0"]');
"""


@pytest.fixture(params=[FIRST_TABLES, FIRST_TABLES + LATER_TABLES], ids=["first", "later"])
def earlier(request: pytest.FixtureRequest, records_db: Path) -> str:
    """A database as conduits wrote it before its schema had a number, and the SQL that made it."""
    records_db.parent.mkdir()
    with closing(sqlite3.connect(records_db)) as other:
        other.executescript(request.param)
    return str(request.param)


def remembered(history: History) -> tuple[object, ...]:
    """What a database of an earlier schema held, as it is read now."""
    (run,) = history.runs()
    return history.applied(KEYS[:1]), run.commit, [(each.run, each.manifests, each.keys) for each in history.started()]


def test_a_database_of_an_earlier_schema_is_read_and_kept(history: History, records_db: Path, earlier: str) -> None:
    """Regression: it was moved aside with the first write, and what it told was gone."""
    started = [(1, "m1", (KEYS[0],))] if LATER_TABLES in earlier else []
    before = listing(records_db.parent)
    assert remembered(history) == ({KEYS[0]: '"served"'}, "c0ffee", started)
    assert listing(records_db.parent) == before
    history.note_started(Started(2, "m2", "f2", (KEYS[1],)))
    assert remembered(history) == ({KEYS[0]: '"served"'}, "c0ffee", [*started, (2, "m2", (KEYS[1],))])
    assert history.started()[-1].files == "f2"
    assert history.warnings == []
    assert [name for name, _, _ in listing(records_db.parent)] == ["records.db"]


def test_a_step_that_fails_leaves_an_earlier_database_as_it_was(
    history: History, records_db: Path, earlier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half_done (x)")
        raise OSError("the disk is full")

    monkeypatch.setattr(history_tables, "STEPS", (*history_tables.STEPS, refuse))
    monkeypatch.setattr(History, "version", len(history_tables.STEPS))
    history.record({KEYS[0]: 1})
    assert "the disk is full" in history.warnings[0]
    with closing(sqlite3.connect(records_db)) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (0,)
        assert "half_done" not in dict(other.execute("SELECT name, 1 FROM sqlite_master"))
        assert other.execute("SELECT native FROM applied").fetchall() == [('"served"',)]


def test_a_database_of_a_newer_conduit_is_moved_aside(history: History, records_db: Path) -> None:
    history.record({KEYS[0]: 1})
    with closing(sqlite3.connect(records_db)) as other:
        other.execute(f"PRAGMA user_version = {History.version + 1}")
    content = records_db.read_bytes()
    assert history.applied(KEYS) == {}
    history.record({KEYS[0]: 2})
    assert history.applied(KEYS) == {KEYS[0]: "2"}
    assert records_db.with_name("records.db.newer").read_bytes() == content
    assert "of a newer conduit" in history.warnings[0]


def test_the_version_of_the_schema_is_the_number_of_its_steps() -> None:
    assert len(history_tables.STEPS) == History.version


def test_what_cannot_be_stored_is_no_damage(history: History, records_db: Path) -> None:
    """A value that SQLite does not take comes from conduit, and cost the whole history."""
    history.record({KEYS[0]: 1})
    history.write(lambda connection: connection.execute("DELETE FROM applied WHERE key = ?", (object(),)))
    assert "not supported" in history.warnings[0]
    assert history.applied(KEYS) == {KEYS[0]: "1"}
    assert not records_db.with_name("records.db.damaged").exists()


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_is_never_an_error(history: History, records_db: Path, seed: int) -> None:
    history.record({key: {"n": key.name} for key in KEYS[:200]})
    history.add_run(a_run(1))
    content, chance = bytearray(records_db.read_bytes()), random.Random(seed)
    for _ in range(50):
        content[chance.randrange(len(content))] = chance.randrange(256)
    records_db.write_bytes(content[: chance.choice([len(content), chance.randrange(len(content))])])
    history.applied(KEYS)
    history.runs()
    history.run(1)
    history.record({KEYS[0]: 1})
    history.add_run(a_run(2))
    assert history.applied(KEYS[:1]) == {KEYS[0]: "1"}, history.warnings


def test_a_deleted_database_comes_back(history: History, records_db: Path) -> None:
    history.record({KEYS[0]: 1})
    records_db.unlink()
    assert history.applied(KEYS) == {}
    history.record({KEYS[1]: 2})
    assert history.applied(KEYS) == {KEYS[1]: "2"}


def test_a_symbolic_link_is_not_followed(history: History, records_db: Path, tmp_path: Path) -> None:
    records_db.parent.mkdir()
    records_db.symlink_to(tmp_path / "elsewhere")
    history.record({KEYS[0]: 1})
    assert "symbolic links" in history.warnings[0]
    assert not (tmp_path / "elsewhere").exists()


def test_a_directory_in_its_place_is_a_warning(history: History, records_db: Path) -> None:
    records_db.mkdir(parents=True)
    assert history.applied(KEYS) == {}
    history.record({KEYS[0]: 1})
    assert len(history.warnings) == 1
