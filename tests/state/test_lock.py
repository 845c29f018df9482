"""The lock, with real processes that hold it, die with it, and are stopped while they hold it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conduit.errors import ConduitError, Locked
from conduit.lock import Lock

HOLD = """
import sys
from pathlib import Path
from conduit.errors import Locked
from conduit.lock import Lock
lock = Lock(Path(sys.argv[1]))
with lock.hold("apply"):
    print("held", lock.number, flush=True)
    sys.stdin.readline()
    try:
        lock.check()
        print("still ours", flush=True)
    except Locked as error:
        print(error.diagnostics[0].code.id, flush=True)
"""
ADD_ONE = """
import sys
from pathlib import Path
from conduit.lock import Lock
lock, total, numbers = Lock(Path(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3])
for _ in range(10):
    with lock.hold("apply", timeout=60):
        total.write_text(str(int(total.read_text()) + 1))
        with numbers.open("a") as file:
            file.write(f"{lock.number}\\n")
"""
SPAWN = """
import subprocess, sys
from pathlib import Path
from conduit.lock import Lock
with Lock(Path(sys.argv[1])).hold("apply"):
    daemon = subprocess.Popen(["/bin/sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    print(daemon.pid, flush=True)
    sys.stdin.readline()
"""
Child = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "lock"


def say(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_second_process_is_told_who_holds_it(path: Path, child: Child) -> None:
    holder = child(HOLD, path)
    assert say(holder) == "held 1"
    with pytest.raises(Locked) as refusal, Lock(path).hold("diff"):
        pass
    message = str(refusal.value)
    assert refusal.value.exit_code == 5
    assert f"apply, pid {holder.pid} on {os.uname().nodename}, for " in message
    assert "second" in message
    assert "wait for it" in message


def test_the_same_process_cannot_take_it_twice(path: Path) -> None:
    lock = Lock(path)
    with lock.hold("apply"):
        with pytest.raises(Locked, match=f"pid {os.getpid()}"), lock.hold("apply"):
            pass
        lock.check()


def test_a_killed_holder_frees_it_at_once(path: Path, child: Child) -> None:
    holder = child(HOLD, path)
    say(holder)
    holder.kill()
    holder.wait()
    lock = Lock(path)
    assert lock.holder() is None
    with lock.hold("apply"):
        assert lock.number == 2


def test_a_program_the_holder_started_does_not_keep_it(path: Path, child: Child) -> None:
    holder = child(SPAWN, path)
    daemon = int(say(holder))
    try:
        holder.kill()
        holder.wait()
        with Lock(path).hold("apply"):
            os.kill(daemon, 0)
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_waiting_ends_when_the_holder_does(path: Path, child: Child) -> None:
    holder = child(HOLD, path)
    say(holder)
    tell(holder)
    with Lock(path).hold("apply", timeout=30):
        assert say(holder) == "still ours"


def test_waiting_has_an_end(path: Path, child: Child) -> None:
    say(child(HOLD, path))
    with pytest.raises(Locked), Lock(path).hold("apply", timeout=0.1):
        pass


def test_an_error_inside_releases_it(path: Path) -> None:
    lock = Lock(path)
    with pytest.raises(RuntimeError), lock.hold("apply"):
        raise RuntimeError
    assert lock.holder() is None
    assert lock.number == 0
    with lock.hold("apply"):
        assert lock.number == 2


def test_status_names_the_holder_and_writes_nothing(path: Path, child: Child) -> None:
    holder = child(HOLD, path)
    say(holder)
    before = (path.read_bytes(), path.stat().st_mtime_ns, list(path.parent.iterdir()))
    found = Lock(path).holder()
    assert found is not None
    assert (found.operation, found.pid, found.number) == ("apply", holder.pid, 1)
    assert (path.read_bytes(), path.stat().st_mtime_ns, list(path.parent.iterdir())) == before
    tell(holder)
    holder.wait()
    assert Lock(path).holder() is None


def test_status_of_a_lock_nobody_ever_took_creates_nothing(path: Path) -> None:
    assert Lock(path).holder() is None
    assert not path.parent.exists()


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}, {"pid": 2**22 + 1}, {"extra": 1}])
def test_a_reused_pid_or_another_boot_is_not_the_holder(path: Path, change: dict[str, object]) -> None:
    lock = Lock(path)
    with lock.hold("apply"):
        record = json.loads(path.read_text())
        assert lock.holder() is not None
        path.write_text(json.dumps(record | change) + "\n")
        assert lock.holder() is None


def test_a_stopped_holder_whose_file_was_deleted_finds_out(path: Path, child: Child) -> None:
    """A holder stopped for ten minutes must not go on where another run has already been."""
    holder = child(HOLD, path)
    say(holder)
    holder.send_signal(signal.SIGSTOP)
    path.unlink()
    with Lock(path).hold("apply"):
        holder.send_signal(signal.SIGCONT)
        tell(holder)
        assert say(holder) == "CND-0552"
    holder.wait()
    assert path.exists()


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


def test_contended_processes_never_interleave(path: Path, tmp_path: Path, child: Child) -> None:
    total, numbers = tmp_path / "total", tmp_path / "numbers"
    total.write_text("0")
    for process in [child(ADD_ONE, path, total, numbers) for _ in range(4)]:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert total.read_text() == "40"
    assert numbers.read_text().split() == [str(n) for n in range(1, 41)]


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
