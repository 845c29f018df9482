"""One site with both proxies for all tests of the suite, and the upstreams behind it."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from golden_world import PROXIES, World

from conduit.sandbox import upstream
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import free_port
from tests.switching import switching_upstream


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> str:
    """Each test runs against Caddy, then nginx, and expects the same."""
    return str(request.param)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="cdt-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def upstreams(place: Path) -> Iterator[dict[str, str]]:
    """Small servers by name: `a`, `b` and `c` echo, `slow` never answers, `sick` fails, `dead` is not there."""
    options = {"a": {}, "b": {}, "c": {}, "slow": {"hang": True}, "sick": {"status": 500}}
    running: list[Daemon] = [upstream.start(place / name, name, **given) for name, given in options.items()]
    yield {daemon.name: daemon.address for daemon in running} | {"dead": f"127.0.0.1:{free_port()}"}
    for daemon in running:
        daemon.stop()


@pytest.fixture(scope="module")
def switching() -> Iterator[str]:
    """An upstream that answers an upgrade."""
    with switching_upstream() as address:
        yield address


@pytest.fixture(scope="module")
def full() -> Iterator[str]:
    """An address that neither accepts nor refuses connections: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        for client in waiting:
            client.close()


@pytest.fixture(scope="module")
def world(place: Path, declared: dict[str, dict[str, Any]]) -> Iterator[World]:
    """The site with all that a module's own fixture `declared` says applied, once for all its tests.

    `declared` holds its sites by plural kind and name, without the proxy that serves them.
    """
    world = World(place)
    try:
        world.site.up()
        world.put(declared)
        yield world
    finally:
        world.site.down()
