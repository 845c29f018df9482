"""Who listens on a port, by what the kernel tells."""

from __future__ import annotations

import os
import socket

import pytest

from conduit.providers.listeners import holder
from conduit.sandbox.machine import free_port


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_process_that_listens_is_named(address: str) -> None:
    with socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        found = holder(server.getsockname()[1])
        assert found
        assert found.pid == os.getpid()


def test_a_connection_is_no_listener() -> None:
    """Its port is held by nobody who could be in the way, and connections are not even looked through."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
    with client, accepted:
        assert holder(port) is None
    assert holder(free_port()) is None
