"""Fixtures of the fault tests: a site with two upstreams, fresh for one test or shared by a module."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conduit.sandbox import machine
from conduit.sandbox import upstream as private_upstream
from conduit.sandbox.machine import SandboxError
from tests.conftest import Site, missing

pytest.register_assert_rewrite("oracle", "faults_world")

if TYPE_CHECKING:
    from faults_world import World


@contextmanager
def _made() -> Iterator[World]:
    from faults_world import World

    directory = Path(tempfile.mkdtemp(prefix="cdt-"))
    directory.chmod(0o755)
    site, upstreams = Site(directory / "site"), []
    try:
        upstreams = [private_upstream.start(directory / name, name) for name in "ab"]
        site.up()
        yield World(site, {upstream.name: upstream.address for upstream in upstreams})
    except SandboxError as error:
        if error.diagnostics[0].code is machine.NO_PROGRAM:
            missing(error.diagnostics[0].summary)
        raise
    finally:
        for daemon in (*site.daemons.values(), *upstreams):
            daemon.resume()
            daemon.stop()
        shutil.rmtree(directory)


@pytest.fixture
def world() -> Iterator[World]:
    """A fresh site with nothing declared."""
    with _made() as world:
        yield world


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    """A site that the tests of a module hand on to each other; each begins by settling it."""
    with _made() as world:
        yield world
