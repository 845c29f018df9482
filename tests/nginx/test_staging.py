"""A program that finds one file in the place of another: what it sees, what it may do, and that nobody else sees it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from conduit.providers import nginx_stage
from conduit.providers.nginx_stage import run_staged
from tests.conftest import missing

CAT = "/bin/cat"
NOBODY = 65534
WHAT_A_CHECK_NEEDS = "0000000000000407"
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_NET_BIND_SERVICE, as /proc/PID/status has them."""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("staged", "live"):
        (tmp_path / name).write_text(name)
    return tmp_path / "staged", tmp_path / "live"


def run(argv: Sequence[str], user: int | None = None) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(argv, capture_output=True, timeout=20, check=False, user=user, group=user)


def test_only_the_program_sees_the_staged_file(files: tuple[Path, Path]) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    done = run_staged(*files, [CAT, str(files[1])], run)
    assert done is not None
    assert done.stdout == b"staged"
    assert (files[1].read_text(), Path("/proc/self/mountinfo").read_text()) == ("live", before)


def test_the_program_may_do_what_a_check_needs_and_this_process_loses_nothing(files: tuple[Path, Path]) -> None:
    before = _bound(Path("/proc/self/status").read_text())
    done = run_staged(*files, [CAT, "/proc/self/status"], run)
    assert done is not None
    assert _bound(done.stdout.decode()) == WHAT_A_CHECK_NEEDS
    assert _bound(Path("/proc/self/status").read_text()) == before != WHAT_A_CHECK_NEEDS


def test_somebody_else_than_root_sees_the_staged_file_too(files: tuple[Path, Path]) -> None:
    """Only a process of one thread can have the user namespace it takes, so the module is run as a program."""
    with tempfile.TemporaryDirectory() as theirs:
        program, *staged_and_live = (shutil.copy(each, theirs) for each in (nginx_stage.__file__, *files))
        for path in (theirs, *staged_and_live):
            os.chown(path, NOBODY, NOBODY)
        done = run([_python(), "-IS", program, *staged_and_live, CAT, staged_and_live[1]], NOBODY)
        assert (done.returncode, done.stdout) == (0, b"staged"), done.stderr
        assert Path(staged_and_live[1]).read_text() == "live"


def test_where_no_namespace_can_be_had_nothing_is_run(files: tuple[Path, Path]) -> None:
    ran: list[Sequence[str]] = []
    assert run_staged(files[0], files[1].with_name("gone"), [CAT, "/dev/null"], _noted(ran)) is None
    assert not ran


def test_what_running_it_raises_is_raised(files: tuple[Path, Path]) -> None:
    with pytest.raises(FileNotFoundError):
        run_staged(*files, ["/nowhere/nginx"], run)


def _python() -> str:
    """Return a Python that everyone may run."""
    known = (sys.executable, "/usr/bin/python3")
    found = [each for each in known if run([CAT, each], NOBODY).returncode == 0]
    if not found:
        missing("no Python here may be run by everyone")
    return found[0]


def _noted(ran: list[Sequence[str]]) -> Callable[[Sequence[str]], subprocess.CompletedProcess[bytes]]:
    def noted(argv: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        ran.append(argv)
        return run(argv)

    return noted


def _bound(status: str) -> str:
    return next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd:"))
