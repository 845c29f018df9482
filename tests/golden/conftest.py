"""One site with both proxies for all tests of the suite, and the upstreams behind it."""

from __future__ import annotations

import base64
import hashlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from golden_world import PROXIES, World

from conduit.sandbox import upstream
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import free_port


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
    """An upstream that answers an upgrade with 101 and then echoes bytes; without one it answers 426."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = connection.recv(65536)
            if b"upgrade: websocket" not in request.lower():
                connection.sendall(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n")
                return
            key = request.lower().split(b"sec-websocket-key: ")[1].split(b"\r\n")[0]
            accept = base64.b64encode(hashlib.sha1(key).digest())
            head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            connection.sendall(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            while data := connection.recv(1024):
                connection.sendall(data)

    def serve() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


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
