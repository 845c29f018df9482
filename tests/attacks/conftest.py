"""Fixtures of the attack tests: one attacked site per worker, and fresh ones for tests that damage theirs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attack_world import CANARY, Attacked, Visited, with_environment

from conduit.sandbox import machine
from conduit.sandbox import upstream as private_upstream
from conduit.sandbox.machine import SandboxError
from tests.conftest import Site, missing


@contextmanager
def _made() -> Iterator[Attacked]:
    directory = Path(tempfile.mkdtemp(prefix="cdt-"))
    directory.chmod(0o755)
    site, upstream = Site(directory / "site"), None
    try:
        upstream = private_upstream.start(directory / "echo", "echo")
        (directory / "canary").write_text(CANARY)
        site.up()
        with_environment(site.daemons["caddy"], {"CONDUIT_CANARY": CANARY})
        world = Attacked(site, upstream.address, directory / "canary")
        world.change()
        yield world
    except SandboxError as error:
        if error.diagnostics[0].code is machine.NO_PROGRAM:
            missing(error.diagnostics[0].summary)
        raise
    finally:
        for daemon in (*site.daemons.values(), *([upstream] if upstream else [])):
            daemon.stop()
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def shared() -> Iterator[Attacked]:
    """A site that is attacked again and again; each attack leaves it as it was."""
    with _made() as world:
        yield world


@pytest.fixture
def attacked(shared: Attacked) -> Iterator[Attacked]:
    """The shared site with its one good service. After the test the next valid change must succeed at once."""
    yield shared
    shared.clear()
    shared.change()


@pytest.fixture
def alone() -> Iterator[Attacked]:
    """A site for one test, which may break it."""
    with _made() as world:
        yield world


@pytest.fixture
def visited() -> Iterator[Callable[..., Visited]]:
    """`visited(answer=b"...")` starts a server that records the bytes it gets and gives one fixed answer."""
    started: list[Visited] = []

    def start(**options: Any) -> Visited:
        started.append(Visited(**options))
        return started[-1]

    yield start
    for server in started:
        server.close()
