"""self.db: what a row is when it comes back, who may read the file, and what another process sees of it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from conduit.errors import Unreadable
from conduit.providers.self_place import FILE
from conduit.providers.self_rows import ApiKey, Grant, Role, Session, User
from conduit.providers.self_store import SelfStore
from conduit.providers.self_tally import FILE as TALLY

ROWS = (
    User(
        "ada", "u1", "ada@home.arpa", "operator", ("dns:read",), False, "m", "$argon2id$x", "f", 1.5, "t", True, ("r",),
        2.0, 3.0, 4.0, 7,
    ),
    Role("cook", ("dns:read", "dns:write"), "m"),
    Grant("ada-wiki", "ada", "wiki", "write", "m", "admin", 5.0),
    Session("h", "ada", "", "cookie", 1.0, 2.0, 3.0, "10.0.0.1", "curl", 7),
    ApiKey("k", "h", "ada", "ci", "", "cdt_k...", "viewer", ("dns:read",), {"wiki": "read"}, ("10.0.0.0/8",), None, 1),
)  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> SelfStore:
    return SelfStore(tmp_path / "keys" / FILE, tmp_path / "state" / TALLY)


def fill(store: SelfStore) -> None:
    with store.writing() as tables:
        for row in ROWS:
            tables.put(row)


def outside(store: SelfStore, query: str) -> list[tuple[object, ...]]:
    """Ask the database as any other program would."""
    connection = sqlite3.connect(store.path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_every_row_comes_back_as_it_was_stored(store: SelfStore) -> None:
    fill(store)
    assert [store.find(type(row)) for row in ROWS] == list(ROWS)
    assert outside(store, "SELECT name, role, active, permissions FROM users") == [
        ("ada", "operator", 0, '["dns:read"]')
    ]


def test_reading_a_store_that_is_not_there_makes_none(store: SelfStore) -> None:
    assert store.rows(User) == []
    assert not store.path.parent.exists()


def test_only_the_owner_may_read_any_of_its_files(store: SelfStore) -> None:
    fill(store)
    files = {path.name: path.stat().st_mode & 0o777 for path in store.path.parent.iterdir()}
    assert files[FILE] == 0o600
    assert set(files.values()) == {0o600}


def test_a_file_that_others_may_read_is_refused(store: SelfStore) -> None:
    fill(store)
    store.path.chmod(0o640)
    with pytest.raises(Unreadable, match="CND-2401"):
        SelfStore(store.path, store.path.parent / TALLY).rows(User)


@pytest.mark.parametrize("damage", [b"not a database" * 400, b""])
def test_a_damaged_file_is_unreadable_and_never_empty(damage: bytes, store: SelfStore) -> None:
    store.path.parent.mkdir()
    store.path.write_bytes(damage)
    store.path.chmod(0o600)
    with pytest.raises(Unreadable, match="CND-2401"):
        store.rows(User)
    with pytest.raises(Unreadable, match="CND-2401"):
        fill(store)
    assert store.path.read_bytes() == damage


def test_a_damaged_list_is_unreadable(store: SelfStore) -> None:
    fill(store)
    connection = sqlite3.connect(store.path)
    connection.execute("UPDATE users SET permissions = '[\"dns:re'")
    connection.commit()
    connection.close()
    with pytest.raises(Unreadable, match="CND-2401"):
        store.rows(User)


def test_a_block_that_raises_leaves_nothing(store: SelfStore) -> None:
    fill(store)

    def half_done() -> None:
        with store.writing() as tables:
            assert tables.delete(User) == 1
            raise KeyError

    with pytest.raises(KeyError):
        half_done()
    assert outside(store, "SELECT count(*) FROM users") == [(1,)]


def test_writers_in_many_threads_lose_nothing(store: SelfStore) -> None:
    def write(number: int) -> None:
        for each in range(20):
            with store.writing() as tables:
                tables.put(Role(f"r{number}-{each}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outside(store, "SELECT count(*) FROM roles") == [(160,)]


def test_a_file_put_in_its_place_is_read_instead(store: SelfStore, tmp_path: Path) -> None:
    """A connection that stays open must not go on with a database that a backup has replaced."""
    fill(store)
    assert store.rows(User)
    other = SelfStore(tmp_path / "other" / FILE, tmp_path / "state" / "other")
    with other.writing() as tables:
        tables.put(User("eve", "u2"))
    outside(other, "PRAGMA wal_checkpoint(TRUNCATE)")
    for left in store.path.parent.glob(f"{FILE}-*"):
        left.unlink()
    other.path.rename(store.path)
    assert [user.name for user in store.rows(User)] == ["eve"]


def test_a_column_that_is_none_is_a_mistake(store: SelfStore) -> None:
    fill(store)
    with pytest.raises(TypeError, match="User has no nmae"):
        store.rows(User, nmae="ada")
