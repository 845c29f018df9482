"""W5 and W6: bodies and heads without end, clients that take their time, streams nobody reads."""

from __future__ import annotations

import select
import socket
import threading
from typing import Any

import httpx
import pytest
from api_world import KEY, raw, status

from conduit.sandbox.machine import wait_for

MIB = 2**20


def test_w5_a_body_without_end_is_refused(served: Any) -> None:
    before = served.resident
    pieces = iter(lambda: b"x" * 65536, b"")
    head = f"POST /api/services HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nX-API-Key: {KEY}\r\n"
    with socket.create_connection(("127.0.0.1", served.port), 5) as link:
        link.settimeout(10)
        link.sendall(f"{head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            for piece in pieces:
                link.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                sent += len(piece)
                assert sent < 1024 * MIB, "the server takes everything"
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
    announced = raw(served, f"{head}Content-Type: application/json\r\nContent-Length: {2**30}\r\n\r\n".encode())
    assert status(announced) == 413
    assert served.resident - before < 50 * MIB
    assert served.visitor.get("/api/ping").json() == {"ok": True}


@pytest.mark.parametrize("head", ["X-A: 1\r\n" * 100_000, f"X-A: {'a' * 100_000}\r\n"], ids=["many", "long"])
def test_w5_a_head_without_end_is_refused(served: Any, head: str) -> None:
    request = f"GET /api/ping HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n{head}\r\n"
    try:
        answer = raw(served, request.encode())
    except (BrokenPipeError, ConnectionResetError):
        return
    assert answer == b"" or status(answer) == 400


def test_w5_a_large_number_and_many_parameters_are_answered(served: Any) -> None:
    number = '{"name": "a", "host": "10.0.0.1", "port": ' + "9" * (900 * 1024) + "}"
    json_type = {"Content-Type": "application/json"}
    assert served.client.post("/api/services", content=number, headers=json_type).status_code == 400
    query = "&".join(f"k{number}=1" for number in range(1500))
    assert served.client.get(f"/api/audit?{query}").status_code == 200


@pytest.mark.parametrize("clients", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_w5_slow_heads_are_let_go_and_disturb_nobody(served: Any, clients: int) -> None:
    """Each sends a byte a second, as Slowloris does, and is let go when its head has taken its time."""
    before = served.resident
    links = [socket.create_connection(("127.0.0.1", served.port), 20) for _ in range(clients)]
    for link in links:
        link.sendall(b"GET /api/ping HTTP/1.1\r\nX-A: ")
    left = list(links)
    while left:
        assert httpx.get(f"{served.url}/api/ping").json() == {"ok": True}
        assert served.resident - before < 50 * MIB
        closed, _, _ = select.select(left, [], [], 1)
        left = [link for link in left if link not in closed and _sent(link, b"a")]
    for link in links:
        link.close()


def _sent(link: socket.socket, piece: bytes) -> bool:
    """Send a piece; False when the server has hung up."""
    try:
        link.sendall(piece)
    except OSError:
        return False
    return True


def test_w6_streams_are_counted_for_each_caller(served: Any) -> None:
    streams = [httpx.stream("GET", f"{served.url}/api/events", headers={"X-API-Key": KEY}) for _ in range(5)]
    opened = [stream.__enter__() for stream in streams]
    try:
        assert [each.status_code for each in opened] == [200] * 5
        refused = served.api("GET", "/api/events")
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
    finally:
        for stream in streams:
            stream.__exit__(None, None, None)
    wait_for(lambda: _opens(served), "the streams are given back")


def _opens(served: Any) -> bool:
    with served.client.stream("GET", "/api/events") as stream:
        return bool(stream.status_code == 200)


def test_w6_a_reader_who_does_not_read_is_let_go(served: Any) -> None:
    link = socket.create_connection(("127.0.0.1", served.port), 5)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nX-API-Key: {KEY}\r\n\r\n".encode())
    assert link.recv(15).startswith(b"HTTP/1.1 200")
    names = "".join(f"  many-{number}: {{upstream: '{served.echo}'}}\n" for number in range(25))
    assert served.conduit("suspend").code == 0
    file = served.write("many.yaml", f"services:\n{names}")
    stop = threading.Event()

    def publish() -> None:
        while not stop.is_set():
            served.api("GET", "/api/diff")

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        streams = "conduit_event_streams 0.0"
        wait_for(lambda: streams in served.api("GET", "/metrics").text, "the reader is let go", deadline=120)
    finally:
        stop.set()
        publisher.join()
        link.close()
        file.unlink()
        assert served.conduit("resume").code == 0
    assert served.resident < 400 * MIB
