"""Nobody holds a connection or a stream for longer than is allowed, and no more of them than are allowed."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_world import KEY, make_served

from conduit.sandbox.machine import wait_for

HASTY = str(Path(__file__).with_name("hasty_server.py"))
MIB = 2**20
IN_ALL, PER_CALLER = 100, 5


@pytest.fixture(scope="module")
def hasty() -> Iterator[Any]:
    """A served site, open for reading, that has little patience."""
    with make_served(HASTY, anonymous_read=True) as site:
        yield site


def ask(served: Any, address: str) -> socket.socket:
    """Ask for the stream of events from an address of this machine."""
    link = socket.create_connection(("127.0.0.1", served.port), 20, source_address=(address, 0))
    link.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
    return link


def opened(served: Any, address: str) -> socket.socket:
    """Return an open stream of events."""
    link = ask(served, address)
    assert link.recv(15) == b"HTTP/1.1 200 OK"
    return link


def test_a_connection_too_many_is_told_when_to_come_back(hasty: Any) -> None:
    """It got two words of text, without a hint and without the headers every answer has."""
    links = [socket.create_connection(("127.0.0.1", hasty.port), 20) for _ in range(150)]
    try:
        refused = wait_for(lambda: _refused(hasty), "the crowd is there")
        assert refused.json()["code"] == "CND-2012"
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["x-content-type-options"] == "nosniff"
    finally:
        for link in links:
            link.close()
    wait_for(lambda: hasty.visitor.get("/api/ping").status_code == 200, "there is room again")


def _refused(served: Any) -> Any:
    answer = served.visitor.get("/api/ping")
    return answer if answer.status_code == 503 else None


def ended(link: socket.socket) -> bytes:
    """Return what comes until the server ends the connection."""
    found = b""
    try:
        while part := link.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


def test_w6_a_stream_ends_when_its_time_is_over(hasty: Any) -> None:
    link = opened(hasty, "127.0.0.1")
    said = link.recv(65536)
    while b"0\r\n\r\n" not in said[-16:]:
        said += link.recv(65536)
    assert said.count(b": still here\n\n") > 1
    assert opened(hasty, "127.0.0.1")


def test_w6_there_are_so_many_streams_in_all(hasty: Any) -> None:
    links = [opened(hasty, f"127.0.1.{1 + number // PER_CALLER}") for number in range(IN_ALL)]
    assert b" 429 " in ask(hasty, "127.0.2.1").recv(64)
    links.pop().close()
    wait_for(lambda: b" 200 " in ask(hasty, "127.0.2.1").recv(64), "one that was given back is had by another")
    for link in links:
        link.close()
    assert hasty.visitor.get("/api/ping").json() == {"ok": True}


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/ping HTTP/1.1\r\nHo",
        b"POST /api/services HTTP/1.1\r\nHost: HERE\r\nX-API-Key: KEY\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\n\r\n{",
        b"POST /api/services HTTP/1.1\r\nHost: HERE\r\nX-API-Key: KEY\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
    ids=["head", "body", "chunked body"],
)
@pytest.mark.parametrize("before", [b"", b"GET /api/ping HTTP/1.1\r\nHost: HERE\r\n\r\n"], ids=["first", "second"])
def test_w5_a_request_that_does_not_come_to_its_end_is_let_go(hasty: Any, sent: bytes, before: bytes) -> None:
    """The first on a connection or a later one, which the server has no other patience with."""
    with socket.create_connection(("127.0.0.1", hasty.port), 5) as link:
        link.settimeout(20)
        here = f"127.0.0.1:{hasty.port}".encode()
        answer = b""
        link.sendall(before.replace(b"HERE", here))
        while before and not answer.endswith(b'{"ok":true}'):
            answer += link.recv(65536)
        link.sendall(sent.replace(b"HERE", here).replace(b"KEY", KEY.encode()))
        assert ended(link) == b""


def test_w5_a_body_that_unpacks_to_something_huge_is_not_unpacked(hasty: Any) -> None:
    bomb = gzip.compress(b" " * 256 * MIB, 9)
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    before = hasty.resident
    answer = hasty.client.post("/api/services", content=bomb, headers=headers)
    assert answer.status_code == 400
    assert hasty.resident - before < 50 * MIB
