"""Fixtures of the Compose tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compose.kit import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty directory named `shop`."""
    directory = tmp_path / "shop"
    directory.mkdir()
    return Site(directory)
