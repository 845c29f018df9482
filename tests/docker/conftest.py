"""The engine in this process, on a site with the worker's private dockerd."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Ran, Site
from tests.docker.container_world import Containers
from tests.engine.conftest import World


@pytest.fixture
def proxies() -> tuple[str, ...]:
    """Most of these tests need no proxy."""
    return ()


@pytest.fixture
def world(docker_site: Site) -> World:
    """An empty site with Docker."""
    return World(docker_site)


@pytest.fixture
def containers(world: World, docker: Callable[..., Ran]) -> Containers:
    """Containers on an empty site with Docker."""
    return Containers(world, docker)
