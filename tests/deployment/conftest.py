"""Fixtures of the deployment tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from deployment_world import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site without any manifest."""
    return Site(tmp_path)
