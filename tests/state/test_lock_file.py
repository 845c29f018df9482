"""The file of the lock: deleted, copied, damaged or linked, it neither blocks nor lets two in."""

from __future__ import annotations

import fcntl
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conduit.errors import ConduitError, Locked
from conduit.lock import Lock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "lock"


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}, {"pid": 2**22 + 1}, {"extra": 1}])
def test_a_reused_pid_or_another_boot_is_not_the_holder(path: Path, change: dict[str, object]) -> None:
    lock = Lock(path)
    with lock.hold("apply"):
        record = json.loads(path.read_text())
        assert lock.holder() is not None
        path.write_text(json.dumps(record | change) + "\n")
        assert lock.holder() is None


def test_a_lock_file_put_back_from_a_copy_is_not_ours(path: Path) -> None:
    lock = Lock(path)
    with lock.hold("apply"):
        lock.check()
        copy = path.with_name("copy")
        copy.write_bytes(path.read_bytes())
        copy.replace(path)
        with pytest.raises(Locked, match="no longer holds"):
            lock.check()


def test_a_file_deleted_while_we_take_it_is_taken_anew(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between open and flock the file may go; a lock on a file nobody can find would keep nobody out."""
    real, deleted = fcntl.flock, []

    def late(descriptor: int, how: int) -> None:
        if not deleted:
            path.unlink()
            deleted.append(path)
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    lock = Lock(path)
    with lock.hold("apply"):
        lock.check()
        with pytest.raises(Locked), Lock(path).hold("diff"):
            pass


def test_a_changed_number_is_not_ours(path: Path) -> None:
    lock = Lock(path)
    with lock.hold("apply"):
        path.write_text(path.read_text().replace('"number": 1', '"number": 2'))
        with pytest.raises(Locked):
            lock.check()


def test_check_without_holding_is_refused(path: Path) -> None:
    with pytest.raises(Locked):
        Lock(path).check()


@pytest.mark.parametrize("content", [b"", b'{"num', b"[]", b"\xff\xfe", b'{"number": "x"}'])
def test_a_damaged_record_does_not_block(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    lock = Lock(path)
    assert lock.holder() is None
    with lock.hold("apply"):
        lock.check()


def test_an_unusable_state_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(ConduitError, match="CND-0553") as refusal, Lock(tmp_path / "state" / "lock").hold("apply"):
        pass
    assert str(tmp_path / "state") in str(refusal.value)


def test_a_link_in_place_of_the_file_is_refused(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConduitError, match="CND-0553"), Lock(path).hold("apply"):
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(90, "1 minute"), (7300, "2 hours"), (200000, "2 days"), (-50, "0 seconds")],
)
def test_the_age_in_words(path: Path, seconds: int, words: str) -> None:
    lock = Lock(path)
    with lock.hold("apply"):
        record = json.loads(path.read_text())
        record["since"] = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
        path.write_text(json.dumps(record) + "\n")
        holder = lock.holder()
        assert holder is not None
        assert holder.age() == words
