"""No space, a read-only disk, a write that fails in the middle: old files stay whole, and what went wrong is told."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import oracle
import pytest
from faults_world import AFTER, BEFORE, World

from tests.conftest import missing, run_program


@contextmanager
def small(directory: Path) -> Iterator[None]:
    """Lay a file system of its own over a directory, with what was in it. Needs root."""
    copy = directory.with_name(f"{directory.name}.copy")
    shutil.copytree(directory, copy)
    words = ("-t", "tmpfs", "-o", f"size=4m,mode={directory.stat().st_mode & 0o777:o}", "tmpfs", str(directory))
    if os.geteuid() != 0 or run_program("mount", *words).code != 0:
        shutil.rmtree(copy)
        missing("no right to mount a small file system")
    try:
        shutil.copytree(copy, directory, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", directory], check=True)


@contextmanager
def full(directory: Path) -> Iterator[None]:
    """Leave no byte free."""
    filler = directory / ".filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            while _written(file, size):
                pass
    try:
        yield
    finally:
        filler.unlink()


def _written(file: IO[bytes], size: int) -> bool:
    try:
        return bool(file.write(b"\0" * size))
    except OSError:
        return False


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Let nobody write there."""
    subprocess.run(["mount", "-o", "remount,ro", directory], check=True)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", directory], check=True)


FAULTS = pytest.mark.parametrize("fault", [full, pytest.param(read_only, marks=pytest.mark.soak)])


@pytest.mark.parametrize("fault", [read_only, pytest.param(full, marks=pytest.mark.soak)])
def test_what_cannot_be_journalled_is_not_done(world: World, fault: object) -> None:
    """On a full disk the journal's last page may still take an intent, and the run ends a step later."""
    world.settle("before")
    state = world.site.directory / "state"
    with small(state):
        then = world.look()
        world.leave("after")
        with fault(state):  # type: ignore[operator]
            done = world.apply()
            now = world.look()
        # a full disk leaves the audit trail its reserve, and then the journal fails
        assert done.code == (1 if fault is full else 6), oracle.told(done)
        assert "Traceback" not in done.stderr
        assert str(state) in done.stderr
        moved = oracle.changed(then, now)
        assert fault is full or [line for line in moved if not line.startswith("state/")] == []
        oracle.check_between(now, BEFORE, AFTER)
        world.converge("after")


def test_a_full_state_directory_makes_no_difference_appear(world: World) -> None:
    """What conduit remembers about Caddy's program cannot be kept, but is known all the same."""
    world.settle("before")
    state = world.site.directory / "state"
    with small(state):
        (state / "cache" / "caddy-version.json").unlink()
        with full(state):
            looked = world.site.conduit("diff", "--detailed-exitcode")
    assert looked.code == 0, oracle.told(looked)


@FAULTS
@pytest.mark.parametrize("name", ["certs", "caddy-certs", "dnsmasq/hosts", "dnsmasq/conf.d"])
def test_a_directory_without_room_keeps_its_files_whole(world: World, name: str, fault: object) -> None:
    world.settle("before")
    directory = world.site.directory / name
    with small(directory):
        world.converge("before")
        files = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        world.leave("after")
        with fault(directory):  # type: ignore[operator]
            done = world.apply()
            now = world.look()
        assert done.code == 4, oracle.told(done)
        assert os.strerror(errno.ENOSPC if fault is full else errno.EROFS) in done.stdout
        assert {path: path.read_bytes() for path in files if path.exists()} == {
            path: content for path, content in files.items() if path.exists()
        }
        oracle.check_between(now, BEFORE, AFTER)
        world.converge("after")


def inject(world: World, fault: str, nth: int) -> int:
    """Run an apply whose `nth` fsync ends in `fault`, and return its exit code."""
    trace = ("strace", "-qq", "-o", str(world.site.directory / "trace"), "-e", "trace=fsync,fdatasync")
    process = world.start("apply", "--yes", before=(*trace, "-e", f"inject=fsync,fdatasync:{fault}:when={nth}"))
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err, out + err
    return process.returncode


def fail_a_write(world: World, fault: str, nth: int) -> int:
    """Fail one write of an apply, of a file under a temporary name or of its directory, and converge."""
    start = world.tree or "before"
    goal = "after" if start == "before" else "before"
    world.settle(start)
    world.leave(goal)
    code = inject(world, fault, nth)
    world.mend()
    world.converge(goal)
    return code


KILL, BROKEN = "signal=SIGKILL", "error=EIO"


@pytest.mark.parametrize("nth", [1, 3, 15, 17])
def test_a_kill_in_the_middle_of_a_write_leaves_no_temporary_file(shared: World, nth: int) -> None:
    if shutil.which("strace") is None:
        missing("strace is not installed")
    assert fail_a_write(shared, KILL, nth) == -signal.SIGKILL


@pytest.mark.soak
@pytest.mark.parametrize("fault", [KILL, BROKEN])
@pytest.mark.parametrize("first", range(1, 56, 5))
def test_each_write_may_fail(shared: World, fault: str, first: int) -> None:
    for nth in range(first, first + 5):
        fail_a_write(shared, fault, nth)
