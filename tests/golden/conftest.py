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

import pytest
from golden_world import PROXIES, World

from conduit.sandbox import upstream
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import free_port

HASH = "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"
"""Of the password `secret`."""


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
def world(place: Path, upstreams: dict[str, str], switching: str, full: str) -> Iterator[World]:
    """The site with every service of the suite applied, once for all tests."""
    world = World(place)
    try:
        world.site.up()
        world.put(declared(upstreams | {"full": full}, switching))
        yield world
    finally:
        world.site.down()


def declared(at: dict[str, str], switching: str) -> dict[str, dict[str, object]]:
    """Return the services of the suite, without the proxy that serves them."""
    echo = {"upstream": at["a"], "tls": "off"}
    shared = {"domain": "shared-PROXY.example", "tls": "off"}
    guarded = {"basic_auth": {"ann": HASH}, "allow": ["10.0.0.0/8"]}
    return {
        "plain": echo,
        "named": {"upstream": at["a"], "domain": "Named-PROXY.example.", "aliases": ["alias-PROXY.example"]},
        "secure": {"upstream": at["a"]},
        "only": {"upstream": at["a"], "https_redirect": False},
        "site": {**shared, "upstream": at["a"]},
        "api": {**shared, "upstream": at["b"], "path": "/api", "dns": False},
        "deep": {**shared, "upstream": at["c"], "path": "/api/deep", "dns": False},
        "strip": {**echo, "path": "/app.v1", "strip_prefix": True},
        "moved": {"redirect": {"to": "https://x.example/y", "status": 301}, "tls": "off"},
        "kept": {"redirect": {"to": "https://x.example", "status": 308, "keep_path": True}, "tls": "off"},
        "beside": {"redirect": {"to": "/new", "status": 307}, "tls": "off", "response_headers": {"X-A": "b"}},
        "headers": {
            **echo,
            "request_headers": {"X-Team": "blue; \"so\" \\ 'it' is", "User-Agent": None, "Host": "inner.example"},
            "response_headers": {"X-Policy": "default-src 'self'; a \"b\" \\c", "Content-Type": "text/x-own"},
        },
        "sockets": {"upstream": switching, "tls": "off"},
        "nosockets": {"upstream": switching, "tls": "off", "websockets": False},
        "locked": {**echo, "basic_auth": {"ann": HASH}},
        "banned": {**echo, "deny": ["127.0.0.0/8"]},
        "welcome": {**echo, "allow": ["127.0.0.1"], "deny": ["10.0.0.0/8"]},
        "distant": {**echo, "allow": ["10.0.0.0/8"]},
        "both": {**echo, **guarded},
        "lockedmoved": {"redirect": {"to": "/new"}, "tls": "off", "basic_auth": {"ann": HASH}},
        "lockeddown": {"maintenance": {"message": "Back"}, "tls": "off", "basic_auth": {"ann": HASH}},
        "bannedmoved": {"redirect": {"to": "/new"}, "tls": "off", **guarded},
        "small": {**echo, "max_body": "1KB"},
        "large": echo,
        "hasty": {"upstream": at["slow"], "tls": "off", "timeouts": {"read": "200ms"}},
        "full": {"upstream": at["full"], "tls": "off", "timeouts": {"connect": "300ms"}},
        "dead": {"upstream": at["dead"], "tls": "off"},
        "down": {"maintenance": {"message": "<b>back</b> & $oon \\o/", "retry_after": "2m"}, "tls": "off"},
        "weighted": {
            "upstreams": [{"address": at["a"], "weight": 3}, {"address": at["b"], "weight": 1}],
            "tls": "off",
        },
        "failing": {"upstreams": [at["dead"], at["b"]], "tls": "off"},
        "checked": {
            "upstreams": [at["sick"], at["b"]],
            "tls": "off",
            "health": {"path": "/ok", "interval": "100ms"},
        },
        "alone": {"upstream": at["sick"], "tls": "off", "health": {"path": "/ok", "interval": "100ms"}},
        "many": {
            **echo,
            "aliases": [f"h{number}-PROXY.example" for number in range(150)],
            "basic_auth": {"ann": HASH},
        },
        "open": {**echo, "domain": "part-PROXY.example"},
        "closed": {
            **echo,
            "domain": "part-PROXY.example",
            "path": "/admin",
            "dns": False,
            "basic_auth": {"ann": HASH},
        },
    }
