"""A6: an older self.db that is put back revives nothing."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from conduit.errors import Unreadable
from conduit.providers.self_rows import ApiKey, Session, User
from conduit.providers.self_store import SelfStore


@pytest.fixture
def store(tmp_path: Path) -> SelfStore:
    found = SelfStore(tmp_path / "self.db", tmp_path / "tally")
    with found.writing() as tables:
        tables.put(User("ann", "u1"))
        tables.put(Session("h", "ann", "", "token", 1.0, 1.0, 9.0))
        tables.put(ApiKey("used", "h", "ann", "used"))
        tables.put(ApiKey("gone", "h", "ann", "gone"))
    return found


def backup(store: SelfStore) -> Path:
    copy = store.path.with_name("backup.db")
    with sqlite3.connect(store.path) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    return copy


def put_back(store: SelfStore, copy: Path) -> SelfStore:
    """Put a backup in place as a person would, and open it as a server that starts."""
    for path in store.path.parent.glob("self.db*"):
        path.unlink()
    shutil.copy(copy, store.path)
    store.path.chmod(0o600)
    return SelfStore(store.path, store.path.with_name("tally"))


def test_sessions_and_keys_that_ended_since_the_backup_stay_ended(store: SelfStore) -> None:
    copy = backup(store)
    with store.writing() as tables:
        tables.delete(Session, hash="h")
        tables.delete(ApiKey, id="gone")
    again = put_back(store, copy)
    assert again.find(Session, hash="h"), "the backup has it"
    again.settle()
    assert again.rows(Session) == []
    assert [(key.id, key.active) for key in again.rows(ApiKey)] == [("gone", False), ("used", True)]
    assert again.find(User, name="ann")


def test_a_write_settles_an_older_file_too(store: SelfStore) -> None:
    copy = backup(store)
    with store.writing() as tables:
        tables.put(ApiKey("gone", "h", "ann", "gone", active=False))
    again = put_back(store, copy)
    with again.writing() as tables:
        assert tables.find(ApiKey, id="gone", active=False)
        tables.put(Session("new", "ann", "", "token", 1.0, 1.0, 9.0))
    again.settle()
    assert [session.hash for session in again.rows(Session)] == ["new"]


def test_without_a_tally_all_sessions_end(store: SelfStore) -> None:
    store.path.with_name("tally").unlink()
    store.settle()
    assert store.rows(Session) == []
    assert {key.active for key in store.rows(ApiKey)} == {True}


def test_the_newest_file_is_left_alone(store: SelfStore) -> None:
    copy = backup(store)
    again = put_back(store, copy)
    again.settle()
    assert again.rows(Session)


def test_a_change_that_cannot_be_counted_is_not_made(store: SelfStore) -> None:
    tally = store.path.with_name("tally")
    tally.unlink()
    tally.mkdir()
    with pytest.raises(Unreadable), store.writing() as tables:
        tables.delete(User)
    assert store.rows(User)


def test_a_damaged_tally_lets_nobody_in(store: SelfStore) -> None:
    store.path.with_name("tally").write_text('{"number": "many"}')
    with pytest.raises(Unreadable) as refused:
        store.settle()
    assert refused.value.diagnostics[0].code.id == "CND-2303"
