"""A world around one private nginx."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nginx_world import World

from conduit.sandbox import nginx as private_nginx
from conduit.sandbox.daemon import Daemon


@pytest.fixture
def world(directory: Path, private: Callable[..., Daemon]) -> World:
    """A site with a fresh nginx."""
    return World(private(private_nginx.start, directory / "nginx"), directory / "state")
