"""The file of the lock: deleted, copied, damaged or linked, it neither blocks nor lets two in."""

from __future__ import annotations

import fcntl
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conduit.errors import ConduitError, Locked
from conduit.lock import Lock


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}, {"pid": 2**22 + 1}, {"extra": 1}])
def test_a_reused_pid_or_another_boot_is_not_the_holder(lock_file: Path, change: dict[str, object]) -> None:
    lock = Lock(lock_file)
    with lock.hold("apply"):
        record = json.loads(lock_file.read_text())
        assert lock.holder() is not None
        lock_file.write_text(json.dumps(record | change) + "\n")
        assert lock.holder() is None


def test_a_lock_file_put_back_from_a_copy_is_not_ours(lock_file: Path) -> None:
    lock = Lock(lock_file)
    with lock.hold("apply"):
        lock.check()
        copy = lock_file.with_name("copy")
        copy.write_bytes(lock_file.read_bytes())
        copy.replace(lock_file)
        with pytest.raises(Locked, match="no longer holds"):
            lock.check()


def test_a_file_deleted_while_we_take_it_is_taken_anew(lock_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between open and flock the file may go; a lock on a file nobody can find would keep nobody out."""
    real, deleted = fcntl.flock, []

    def late(descriptor: int, how: int) -> None:
        if not deleted:
            lock_file.unlink()
            deleted.append(lock_file)
        real(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    lock = Lock(lock_file)
    with lock.hold("apply"):
        lock.check()
        with pytest.raises(Locked), Lock(lock_file).hold("diff"):
            pass


def test_a_changed_number_is_not_ours(lock_file: Path) -> None:
    lock = Lock(lock_file)
    with lock.hold("apply"):
        lock_file.write_text(lock_file.read_text().replace('"number": 1', '"number": 2'))
        with pytest.raises(Locked):
            lock.check()


def test_check_without_holding_is_refused(lock_file: Path) -> None:
    with pytest.raises(Locked):
        Lock(lock_file).check()


@pytest.mark.parametrize("content", [b"", b'{"num', b"[]", b"\xff\xfe", b'{"number": "x"}'])
def test_a_damaged_record_does_not_block(lock_file: Path, content: bytes) -> None:
    lock_file.parent.mkdir()
    lock_file.write_bytes(content)
    lock = Lock(lock_file)
    assert lock.holder() is None
    with lock.hold("apply"):
        lock.check()


def test_an_unusable_state_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(ConduitError, match="CND-0553") as refusal, Lock(tmp_path / "state" / "lock").hold("apply"):
        pass
    assert str(tmp_path / "state") in str(refusal.value)


def test_a_link_in_place_of_the_file_is_refused(lock_file: Path, tmp_path: Path) -> None:
    lock_file.parent.mkdir()
    lock_file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConduitError, match="CND-0553"), Lock(lock_file).hold("apply"):
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(90, "1 minute"), (7300, "2 hours"), (200000, "2 days"), (-50, "0 seconds")],
)
def test_the_age_in_words(lock_file: Path, seconds: int, words: str) -> None:
    lock = Lock(lock_file)
    with lock.hold("apply"):
        record = json.loads(lock_file.read_text())
        record["since"] = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
        lock_file.write_text(json.dumps(record) + "\n")
        holder = lock.holder()
        assert holder is not None
        assert holder.age() == words
