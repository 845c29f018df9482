"""The records database: useful while it is there, and never in the way when it is not."""

from __future__ import annotations

import random
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from conduit import history as module
from conduit import history_tables, records
from conduit.canonical import canonical
from conduit.change import Action, Outcome, Result
from conduit.history import History, RunRecord, Started
from conduit.model import Key, Late, Ref, Secret

KEYS = [Key("route", f"r{number}") for number in range(1500)]
REPLACE_ALL = """
import sys
from pathlib import Path
from conduit.history import History
from conduit.model import Key
history = History(Path(sys.argv[1]))
for version in range(1_000_000):
    history.record({Key("route", f"r{n}"): {"version": version, "pad": "x" * 300} for n in range(1500)})
    print(version, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "records.db"


@pytest.fixture
def history(path: Path) -> History:
    return History(path)


def a_run(number: int) -> RunRecord:
    outcomes = (
        Outcome(Key("route", "wiki"), Action.UPDATE, Result.OK, "", 0.5),
        Outcome(Key("route", "media"), Action.CREATE, Result.FAILED, 'said "no"\n', 1.0),
    )
    times = ("2026-05-01T10:00:00+00:00", "2026-05-01T10:00:02+00:00")
    return RunRecord(number, *times, "apply", "failed", "abc", "c0ffee", {"ok": 1, "failed": 1}, outcomes)


def listing(directory: Path) -> list[tuple[str, int, bytes]]:
    return sorted((p.name, p.stat().st_mtime_ns, p.read_bytes()) for p in directory.iterdir())


def test_the_last_applied_native_comes_back_as_canonical_text(history: History) -> None:
    native = {
        "hosts": ("wiki.home.arpa",),
        "password": Secret("wiki"),
        "upstream": Ref(Key("container", "wiki"), "address", "10.0.0.9"),
        "port": Late(Key("container", "wiki"), "port"),
    }
    history.record({KEYS[0]: native, KEYS[1]: "server=10.0.0.1"})
    assert history.applied(KEYS[:3]) == {KEYS[0]: canonical(native), KEYS[1]: canonical("server=10.0.0.1")}
    assert history.warnings == []


def test_only_asked_keys_come_back_in_any_number(history: History) -> None:
    history.record({key: {"n": key.name} for key in KEYS})
    assert history.applied(KEYS[:1]) == {KEYS[0]: canonical({"n": "r0"})}
    assert len(history.applied([*KEYS, Key("route", "unknown")])) == len(KEYS)
    assert history.applied([]) == {}


def test_none_forgets_and_a_new_native_replaces(history: History) -> None:
    history.record({KEYS[0]: 1, KEYS[1]: 1})
    history.record({KEYS[0]: None, KEYS[1]: 2})
    assert history.applied(KEYS[:2]) == {KEYS[1]: "2"}


def test_nothing_to_record_creates_nothing(history: History, path: Path) -> None:
    history.record({})
    assert not path.parent.exists()


def test_runs_read_back_newest_last(history: History) -> None:
    for number in (1, 2, 3):
        history.add_run(a_run(number))
    assert history.runs(2) == [a_run(2), a_run(3)]
    assert history.run(1) == a_run(1)
    assert history.run(9) is None
    assert history.run(10**30) is None


def test_old_runs_are_forgotten(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT_RUNS", 3)
    for number in range(1, 7):
        history.add_run(a_run(number))
    assert [run.id for run in history.runs()] == [4, 5, 6]


def test_the_file_is_private(history: History, path: Path) -> None:
    history.add_run(a_run(1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_reading_creates_and_changes_no_file(history: History, path: Path) -> None:
    assert (history.applied(KEYS), history.runs(), history.run(1)) == ({}, [], None)
    assert not path.parent.exists()
    history.record({KEYS[0]: 1})
    before = listing(path.parent)
    assert [name for name, _, _ in before] == ["records.db"]
    assert history.applied(KEYS) == {KEYS[0]: "1"}
    assert history.runs() == []
    assert listing(path.parent) == before


@pytest.mark.parametrize("content", [b"", b"not a database" * 500, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_damaged_database_has_no_records_and_is_moved_aside(history: History, path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    before = listing(path.parent)
    assert (history.applied(KEYS), history.runs(), history.run(1)) == ({}, [], None)
    assert listing(path.parent) == before
    history.record({KEYS[0]: 1})
    assert history.applied(KEYS) == {KEYS[0]: "1"}
    if content:
        assert path.with_name("records.db.damaged").read_bytes() == content
        assert "records.db.damaged" in history.warnings[0]


def test_a_database_of_another_schema_is_moved_aside(history: History, path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
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
def earlier(request: pytest.FixtureRequest, path: Path) -> str:
    """A database as conduits wrote it before its schema had a number, and the SQL that made it."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as other:
        other.executescript(request.param)
    return str(request.param)


def remembered(history: History) -> tuple[object, ...]:
    """What a database of an earlier schema held, as it is read now."""
    (run,) = history.runs()
    return history.applied(KEYS[:1]), run.commit, [(each.run, each.manifests, each.keys) for each in history.started()]


def test_a_database_of_an_earlier_schema_is_read_and_kept(history: History, path: Path, earlier: str) -> None:
    """Regression: it was moved aside with the first write, and what it told was gone."""
    started = [(1, "m1", (KEYS[0],))] if LATER_TABLES in earlier else []
    before = listing(path.parent)
    assert remembered(history) == ({KEYS[0]: '"served"'}, "c0ffee", started)
    assert listing(path.parent) == before
    history.note_started(Started(2, "m2", "f2", (KEYS[1],)))
    assert remembered(history) == ({KEYS[0]: '"served"'}, "c0ffee", [*started, (2, "m2", (KEYS[1],))])
    assert history.started()[-1].files == "f2"
    assert history.warnings == []
    assert [name for name, _, _ in listing(path.parent)] == ["records.db"]


def test_a_step_that_fails_leaves_an_earlier_database_as_it_was(
    history: History, path: Path, earlier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(connection: sqlite3.Connection) -> None:
        connection.execute("CREATE TABLE half_done (x)")
        raise OSError("the disk is full")

    monkeypatch.setattr(history_tables, "STEPS", (*history_tables.STEPS, refuse))
    monkeypatch.setattr(History, "version", len(history_tables.STEPS))
    history.record({KEYS[0]: 1})
    assert "the disk is full" in history.warnings[0]
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (0,)
        assert "half_done" not in dict(other.execute("SELECT name, 1 FROM sqlite_master"))
        assert other.execute("SELECT native FROM applied").fetchall() == [('"served"',)]


def test_a_database_of_a_newer_conduit_is_moved_aside(history: History, path: Path) -> None:
    history.record({KEYS[0]: 1})
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {History.version + 1}")
    content = path.read_bytes()
    assert history.applied(KEYS) == {}
    history.record({KEYS[0]: 2})
    assert history.applied(KEYS) == {KEYS[0]: "2"}
    assert path.with_name("records.db.newer").read_bytes() == content
    assert "of a newer conduit" in history.warnings[0]


def test_the_version_of_the_schema_is_the_number_of_its_steps() -> None:
    assert len(history_tables.STEPS) == History.version


def test_what_cannot_be_stored_is_no_damage(history: History, path: Path) -> None:
    """A value that SQLite does not take comes from conduit, and cost the whole history."""
    history.record({KEYS[0]: 1})
    history.write(lambda connection: connection.execute("DELETE FROM applied WHERE key = ?", (object(),)))
    assert "not supported" in history.warnings[0]
    assert history.applied(KEYS) == {KEYS[0]: "1"}
    assert not path.with_name("records.db.damaged").exists()


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_is_never_an_error(history: History, path: Path, seed: int) -> None:
    history.record({key: {"n": key.name} for key in KEYS[:200]})
    history.add_run(a_run(1))
    content, chance = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(50):
        content[chance.randrange(len(content))] = chance.randrange(256)
    path.write_bytes(content[: chance.choice([len(content), chance.randrange(len(content))])])
    history.applied(KEYS)
    history.runs()
    history.run(1)
    history.record({KEYS[0]: 1})
    history.add_run(a_run(2))


def test_a_deleted_database_comes_back(history: History, path: Path) -> None:
    history.record({KEYS[0]: 1})
    path.unlink()
    assert history.applied(KEYS) == {}
    history.record({KEYS[1]: 2})
    assert history.applied(KEYS) == {KEYS[1]: "2"}


def test_a_locked_database_is_a_warning(history: History, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WRITE_WAIT", 0.05)
    monkeypatch.setattr(records, "READ_WAIT", 0.05)
    history.record({KEYS[0]: 1})
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert history.applied(KEYS) == {}
        history.record({KEYS[0]: 2})
    assert "locked" in history.warnings[0]
    assert history.applied(KEYS) == {KEYS[0]: "1"}
    assert not path.with_name("records.db.damaged").exists()


def test_a_writer_does_not_end_the_lock_of_another_in_its_process(
    history: History, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening and closing the file did: programs outside came in the middle of a transaction, and damage was found."""
    monkeypatch.setattr(records, "WRITE_WAIT", 0.05)
    history.record({KEYS[0]: 1})
    begin = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        History(path).record({KEYS[0]: 2})
        outside = subprocess.run([sys.executable, "-c", begin, path], capture_output=True, text=True, check=False)
    assert "database is locked" in outside.stderr


def test_a_symbolic_link_is_not_followed(history: History, path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    history.record({KEYS[0]: 1})
    assert "symbolic links" in history.warnings[0]
    assert not (tmp_path / "elsewhere").exists()


def test_a_directory_in_its_place_is_a_warning(history: History, path: Path) -> None:
    path.mkdir(parents=True)
    assert history.applied(KEYS) == {}
    history.record({KEYS[0]: 1})
    assert len(history.warnings) == 1


def test_readers_go_on_while_a_writer_works(history: History, path: Path) -> None:
    history.record({KEYS[0]: 1})
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM applied")
        assert history.applied(KEYS) == {KEYS[0]: "1"}


def test_readers_go_on_while_much_is_written(history: History, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write larger than SQLite's usual page cache must not lock readers out before its commit."""
    history.record({KEYS[0]: 1})
    monkeypatch.setattr(records, "READ_WAIT", 0)
    connect, seen = history._connect, []

    @contextmanager
    def watched(wait: float) -> Iterator[sqlite3.Connection]:
        with connect(wait) as connection:
            connection.set_progress_handler(lambda: seen.append(History(path).applied(KEYS[:1])), 5000)
            yield connection

    monkeypatch.setattr(history, "_connect", watched)
    history.record({Key("route", f"big{number}"): "x" * 1000 for number in range(8000)})
    assert len(seen) > 5
    assert all(records == {KEYS[0]: "1"} for records in seen)


@pytest.mark.parametrize("seed", range(4))
def test_a_writer_killed_anywhere_leaves_one_whole_version(
    history: History, path: Path, child: Callable[..., subprocess.Popen[str]], seed: int
) -> None:
    process = child(REPLACE_ALL, path)
    assert process.stdout is not None
    for _ in range(1 + seed):
        acknowledged = int(process.stdout.readline())
    for _ in range(random.Random(seed).randrange(200_000)):
        pass  # the kill lands somewhere in the next transaction
    process.kill()
    process.wait()
    texts = history.applied(KEYS)
    assert len(texts) == len(KEYS)
    assert len(set(texts.values())) == 1
    version = int(next(iter(texts.values())).rpartition(":")[2].rstrip("}"))
    assert version >= acknowledged
    history.record({KEYS[0]: 1})
    assert history.warnings == []
