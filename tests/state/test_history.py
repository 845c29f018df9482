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
from history_world import KEYS, a_run, listing

from conduit import history as module
from conduit import records
from conduit.canonical import canonical
from conduit.history import History
from conduit.model import Key, Late, Ref, Secret

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


def test_a_row_with_a_damaged_key_spoils_no_other(history: History, records_db: Path) -> None:
    """Regression: when many were asked for, a plan ended with an error about a record that is nobody's."""
    history.record({KEYS[0]: 1})
    with closing(sqlite3.connect(records_db)) as connection, connection:
        connection.execute("INSERT INTO applied VALUES ('no key', '2', '')")
    many = [Key("route", f"unknown{number}") for number in range(module.MANY)]
    assert history.applied([KEYS[0], *many]) == {KEYS[0]: "1"}


def test_none_forgets_and_a_new_native_replaces(history: History) -> None:
    history.record({KEYS[0]: 1, KEYS[1]: 1})
    history.record({KEYS[0]: None, KEYS[1]: 2})
    assert history.applied(KEYS[:2]) == {KEYS[1]: "2"}


def test_nothing_to_record_creates_nothing(history: History, records_db: Path) -> None:
    history.record({})
    assert not records_db.parent.exists()


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


def test_the_file_is_private(history: History, records_db: Path) -> None:
    history.add_run(a_run(1))
    assert stat.S_IMODE(records_db.stat().st_mode) == 0o600
    assert stat.S_IMODE(records_db.parent.stat().st_mode) == 0o700


def test_reading_creates_and_changes_no_file(history: History, records_db: Path) -> None:
    assert (history.applied(KEYS), history.runs(), history.run(1)) == ({}, [], None)
    assert not records_db.parent.exists()
    history.record({KEYS[0]: 1})
    before = listing(records_db.parent)
    assert [name for name, _, _ in before] == ["records.db"]
    assert history.applied(KEYS) == {KEYS[0]: "1"}
    assert history.runs() == []
    assert listing(records_db.parent) == before


def test_a_locked_database_is_a_warning(history: History, records_db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "WRITE_WAIT", 0.05)
    monkeypatch.setattr(records, "READ_WAIT", 0.05)
    history.record({KEYS[0]: 1})
    with closing(sqlite3.connect(records_db)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert history.applied(KEYS) == {}
        history.record({KEYS[0]: 2})
    assert "locked" in history.warnings[0]
    assert history.applied(KEYS) == {KEYS[0]: "1"}
    assert not records_db.with_name("records.db.damaged").exists()


def test_a_writer_does_not_end_the_lock_of_another_in_its_process(
    history: History, records_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opening and closing the file did: programs outside came in the middle of a transaction, and damage was found."""
    monkeypatch.setattr(records, "WRITE_WAIT", 0.05)
    history.record({KEYS[0]: 1})
    begin = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    with closing(sqlite3.connect(records_db)) as other:
        other.execute("BEGIN IMMEDIATE")
        History(records_db).record({KEYS[0]: 2})
        outside = subprocess.run([sys.executable, "-c", begin, records_db], capture_output=True, text=True, check=False)
    assert "database is locked" in outside.stderr


def test_readers_go_on_while_a_writer_works(history: History, records_db: Path) -> None:
    history.record({KEYS[0]: 1})
    with closing(sqlite3.connect(records_db)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM applied")
        assert history.applied(KEYS) == {KEYS[0]: "1"}


def test_readers_go_on_while_much_is_written(
    history: History, records_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write larger than SQLite's usual page cache must not lock readers out before its commit."""
    history.record({KEYS[0]: 1})
    monkeypatch.setattr(records, "READ_WAIT", 0)
    connect, seen = history._connect, []

    @contextmanager
    def watched(wait: float) -> Iterator[sqlite3.Connection]:
        with connect(wait) as connection:
            connection.set_progress_handler(lambda: seen.append(History(records_db).applied(KEYS[:1])), 5000)
            yield connection

    monkeypatch.setattr(history, "_connect", watched)
    history.record({Key("route", f"big{number}"): "x" * 1000 for number in range(8000)})
    assert len(seen) > 5
    assert all(records == {KEYS[0]: "1"} for records in seen)


@pytest.mark.parametrize("seed", range(4))
def test_a_writer_killed_anywhere_leaves_one_whole_version(
    history: History, records_db: Path, child: Callable[..., subprocess.Popen[str]], seed: int
) -> None:
    process = child(REPLACE_ALL, records_db)
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
