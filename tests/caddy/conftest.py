"""A world around one private Caddy."""

from __future__ import annotations

from pathlib import Path

import pytest
from caddy_world import World

from conduit.sandbox.daemon import Daemon


@pytest.fixture
def world(caddy: Daemon, directory: Path) -> World:
    """A site with a fresh Caddy."""
    return World(caddy, directory / "state")
