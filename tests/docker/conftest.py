"""The engine in this process, on a site with the worker's private dockerd."""

from __future__ import annotations

import pytest

from tests.conftest import Site
from tests.engine.conftest import World


@pytest.fixture
def proxies() -> tuple[str, ...]:
    """Most of these tests need no proxy."""
    return ()


@pytest.fixture
def world(docker_site: Site) -> World:
    """An empty site with Docker."""
    return World(docker_site)
