"""The files of a state directory, and children that hold and write them, so that tests can kill them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conduit.history import History

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    """Where the lock of a site is; there is nothing yet."""
    return tmp_path / "state" / "lock"


@pytest.fixture
def records_db(tmp_path: Path) -> Path:
    """Where the records of a site are; there is nothing yet."""
    return tmp_path / "state" / "records.db"


@pytest.fixture
def history(records_db: Path) -> History:
    """The records of a site."""
    return History(records_db)


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`child(code, *words, env={})` starts Python code that talks over its pipes; whatever is left is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *words: object, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | (env or {}),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)
