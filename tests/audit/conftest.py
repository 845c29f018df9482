"""Audit trails in directories of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from conduit.audit.act import SUCCESS, Act
from conduit.audit.trail import Trail
from conduit.settings import Settings


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    """The settings of a site that has nothing yet."""
    return Settings(state_dir=tmp_path / "state", keys_dir=tmp_path / "keys", desired=tmp_path / "desired")


def act(number: int = 0) -> Act:
    """Return an act like those of the API."""
    return Act("edit", SUCCESS, f"set service/s{number}", "admin", "127.0.0.1", "user", details={"n": number})


def fill(settings: Settings, count: int) -> Trail:
    """Append so many acts and return the trail."""
    trail = Trail(settings)
    for number in range(count):
        trail.append(act(number))
    return trail


def fill_up(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
