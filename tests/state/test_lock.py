"""The lock, with real processes that hold it, die with it, and are stopped while they hold it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conduit.errors import Locked
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


def say(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_second_process_is_told_who_holds_it(lock_file: Path, child: Child) -> None:
    holder = child(HOLD, lock_file)
    assert say(holder) == "held 1"
    with pytest.raises(Locked) as refusal, Lock(lock_file).hold("diff"):
        pass
    message = str(refusal.value)
    assert refusal.value.exit_code == 5
    assert f"apply, pid {holder.pid} on {os.uname().nodename}, for " in message
    assert "second" in message
    assert "wait for it" in message


def test_the_same_process_cannot_take_it_twice(lock_file: Path) -> None:
    lock = Lock(lock_file)
    with lock.hold("apply"):
        with pytest.raises(Locked, match=f"pid {os.getpid()}"), lock.hold("apply"):
            pass
        lock.check()


def test_a_killed_holder_frees_it_at_once(lock_file: Path, child: Child) -> None:
    holder = child(HOLD, lock_file)
    say(holder)
    holder.kill()
    holder.wait()
    lock = Lock(lock_file)
    assert lock.holder() is None
    with lock.hold("apply"):
        assert lock.number == 2


def test_a_program_the_holder_started_does_not_keep_it(lock_file: Path, child: Child) -> None:
    holder = child(SPAWN, lock_file)
    daemon = int(say(holder))
    try:
        holder.kill()
        holder.wait()
        with Lock(lock_file).hold("apply"):
            os.kill(daemon, 0)
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_waiting_ends_when_the_holder_does(lock_file: Path, child: Child) -> None:
    holder = child(HOLD, lock_file)
    say(holder)
    tell(holder)
    with Lock(lock_file).hold("apply", timeout=30):
        assert say(holder) == "still ours"


def test_waiting_has_an_end(lock_file: Path, child: Child) -> None:
    say(child(HOLD, lock_file))
    with pytest.raises(Locked), Lock(lock_file).hold("apply", timeout=0.1):
        pass


def test_an_error_inside_releases_it(lock_file: Path) -> None:
    lock = Lock(lock_file)
    with pytest.raises(RuntimeError), lock.hold("apply"):
        raise RuntimeError
    assert lock.holder() is None
    assert lock.number == 0
    with lock.hold("apply"):
        assert lock.number == 2


def test_status_names_the_holder_and_writes_nothing(lock_file: Path, child: Child) -> None:
    holder = child(HOLD, lock_file)
    say(holder)
    before = (lock_file.read_bytes(), lock_file.stat().st_mtime_ns, list(lock_file.parent.iterdir()))
    found = Lock(lock_file).holder()
    assert found is not None
    assert (found.operation, found.pid, found.number) == ("apply", holder.pid, 1)
    assert (lock_file.read_bytes(), lock_file.stat().st_mtime_ns, list(lock_file.parent.iterdir())) == before
    tell(holder)
    holder.wait()
    assert Lock(lock_file).holder() is None


def test_status_of_a_lock_nobody_ever_took_creates_nothing(lock_file: Path) -> None:
    assert Lock(lock_file).holder() is None
    assert not lock_file.parent.exists()


def test_a_stopped_holder_whose_file_was_deleted_finds_out(lock_file: Path, child: Child) -> None:
    """A holder stopped for ten minutes must not go on where another run has already been."""
    holder = child(HOLD, lock_file)
    say(holder)
    holder.send_signal(signal.SIGSTOP)
    lock_file.unlink()
    with Lock(lock_file).hold("apply"):
        holder.send_signal(signal.SIGCONT)
        tell(holder)
        assert say(holder) == "CND-0552"
    holder.wait()
    assert lock_file.exists()


def test_contended_processes_never_interleave(lock_file: Path, tmp_path: Path, child: Child) -> None:
    total, numbers = tmp_path / "total", tmp_path / "numbers"
    total.write_text("0")
    for process in [child(ADD_ONE, lock_file, total, numbers) for _ in range(4)]:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert total.read_text() == "40"
    assert numbers.read_text().split() == [str(n) for n in range(1, 41)]
