"""Fixtures of the probe tests: servers that behave as told, and two certificate authorities."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from probe_world import OVER, Authority, Behaviour, Server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """`serve(behaviour, tls=None)` starts a server that is closed, with all its connections, at the end of the test."""
    OVER.clear()
    started: list[Server] = []

    def start(behave: Behaviour, tls: ssl.SSLContext | None = None) -> Server:
        started.append(Server(behave, tls))
        return started[-1]

    yield start
    OVER.set()
    for server in started:
        server.close()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """The CA that conduit trusts in this test."""
    return Authority(tmp_path / "ca")


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """A CA that nobody trusts."""
    return Authority(tmp_path / "stranger")
