"""The engine in this process, on a site with the worker's private dockerd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import private_registry
import pytest

from conduit.sandbox.daemon import Daemon
from conduit.sandbox.image import NAME
from tests.conftest import Ran, Site
from tests.docker.container_world import SLEEP, Containers
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


@pytest.fixture
def web(containers: Containers) -> Containers:
    """One container that runs."""
    containers.declare(web=SLEEP)
    containers.apply()
    return containers


@pytest.fixture
def registry(directory: Path, private: Callable[..., Daemon]) -> Daemon:
    """A registry on loopback, with nothing in it."""
    return private(private_registry.start, directory / "registry")


@pytest.fixture
def publish(registry: Daemon, docker: Callable[..., Ran], directory: Path) -> Callable[..., str]:
    """`publish("1", says="1")` puts an image that says 1 into the registry as web:1, and returns its reference."""

    def put(tag: str, says: str = "") -> str:
        reference = f"{registry.address}/team/web:{tag}"
        context = directory / "publish"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(f"FROM {NAME}\nLABEL says={says or tag}\n")
        for words in (("build", "-t", reference, str(context)), ("push", reference), ("rmi", reference)):
            done = docker(*words)
            assert done.code == 0, done.stderr
        return reference

    return put
