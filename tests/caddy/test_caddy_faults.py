"""A Caddy that is away, hangs, dribbles, lies or moves: always told, within its deadline, and never taken for empty."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from caddy_world import World, key_of, plain

from conduit.errors import RollbackFailed, Unreadable
from conduit.providers.caddy_admin import Admin, AdminError, Reply

Talk = Callable[[socket.socket], None]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture
def peer(directory: Path) -> Iterator[Callable[[Talk], str]]:
    """`peer(talk)` serves each connection on a unix socket with `talk` and returns its admin address."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(directory / "peer.sock"))
    listener.listen()
    opened: list[socket.socket] = []

    def serve(talk: Talk) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                opened.append(connection)
                with suppress(OSError):
                    connection.recv(65536)
                    talk(connection)

    def start(talk: Talk) -> str:
        threading.Thread(target=serve, args=(talk,), daemon=True).start()
        return f"unix/{directory}/peer.sock"

    yield start
    listener.shutdown(socket.SHUT_RDWR)
    for each in (listener, *opened):
        each.close()


def whole(body: bytes, head: bytes = HEAD) -> Talk:
    return lambda connection: connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def then_close(data: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return talk


def dribble(data: bytes) -> Talk:
    def talk(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    return talk


def silent(connection: socket.socket) -> None:
    """Say nothing and keep the connection open."""


BROKEN = {
    "hangs": silent,
    "hangs after the head": lambda connection: connection.sendall(HEAD + b"Content-Length: 10\r\n\r\n{"),
    "dribbles its head": dribble(HEAD * 50),
    "dribbles its body": dribble(HEAD + b"Content-Length: 9000\r\n\r\n" + b" " * 9000),
    "dribbles a body without end": dribble(HEAD + b"Connection: close\r\n\r\n" + b" " * 9000),
    "sends half a reply": then_close(HEAD + b"Content-Length: 1000\r\n\r\n{}"),
    "sends half a chunk": then_close(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}"),
    "closes at once": then_close(b""),
    "speaks something else": then_close(b"220 mail.lan ESMTP\r\n"),
    "sends a head without end": then_close(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70000),
    "sends no JSON": whole(b"<html>"),
    "sends truncated JSON": whole(b'{"apps": {"http": '),
    "sends a list": whole(b"[]"),
    "answers 500": whole(b"{}", b"HTTP/1.1 500 Oops\r\n"),
    "answers 403": whole(b'{"error":"host not allowed"}', b"HTTP/1.1 403 Forbidden\r\n"),
    "sends too much": lambda connection: connection.sendall(HEAD + b"Content-Length: 999999999\r\n\r\n" + b" " * 2**16),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_answer_is_unreadable_within_the_deadline(
    world: World, peer: Callable[[Talk], str], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.options["admin"] = peer(BROKEN[fault])
    provider = world.provider
    provider.admin.seconds = 0.7
    monkeypatch.setattr("conduit.providers.caddy_admin.LARGEST_REPLY", 2**15)
    with pytest.raises(Unreadable, match="cannot be read") as unreadable:
        provider.read()
    assert unreadable.value.diagnostics[0].hint


@pytest.mark.parametrize(
    "config", [{"apps": None}, {"apps": {"http": None}}, {"apps": {"http": {"servers": None}}}, None]
)
def test_empty_configurations_are_read_as_empty(world: World, peer: Callable[[Talk], str], config: object) -> None:
    world.options["admin"] = peer(whole(json.dumps(config).encode()))
    reading = world.read()
    assert (reading.frame, reading.objects["route"]) == (None, ())


def odd_servers() -> list[object]:
    """Shapes a person may have typed; Caddy itself would refuse most of them."""
    marked = {"@id": "conduit.route.wiki.http.0.00"}
    odd = [7, None, [], {"routes": None}, {"routes": [None, 7, [], marked, {"match": None}, {"match": [{"host": 5}]}]}]
    odd += [{"routes": [{"@id": odd_id} for odd_id in (7, None, "conduit.", "conduit.......", "conduit.é.a.b.c.d")]}]
    odd += [{"routes": [{"handle": [7, {"handler": "authentication", "providers": 7}], "match": [{"path": "x"}]}]}]
    return odd


@pytest.mark.parametrize("server", odd_servers(), ids=str)
@pytest.mark.parametrize("name", ["conduit_http", "theirs"])
def test_odd_shapes_never_break_reading(world: World, peer: Callable[[Talk], str], name: str, server: object) -> None:
    world.options["admin"] = peer(whole(json.dumps({"apps": {"http": {"servers": {name: server}}}}).encode()))
    assert world.read().owned() == {}


def test_a_dead_caddy_is_unreadable_and_says_what_to_do(world: World) -> None:
    world.daemon.stop()
    with pytest.raises(Unreadable) as unreadable:
        world.read()
    text = str(unreadable.value)
    assert "admin.sock cannot be read" in text
    assert "start Caddy" in text
    assert any("does not answer" in finding for finding in world.provider.check())


def test_a_stopped_caddy_is_unreadable_within_the_deadline(world: World) -> None:
    world.daemon.pause()
    try:
        with pytest.raises(AdminError, match=r"no whole answer within 0.5 s"):
            Admin(world.daemon.section["admin"], seconds=0.5).get()
    finally:
        world.daemon.resume()
    assert world.read().frame is None


def test_an_admin_endpoint_lost_by_a_refusal_is_the_worst_outcome(world: World) -> None:
    """When Caddy neither took the configuration nor answers any more, a person is needed."""
    provider, reading = world.provider, world.read()
    document = provider.compose(reading, {key_of("wiki"): world.rendered(plain())})
    refused = json.dumps({"admin": document.config["admin"], "apps": {"nothing": {}}}).encode()
    post = provider.admin.post

    def refuse_and_vanish(body: bytes, etag: str, sent: Callable[[], None]) -> Reply:
        reply = post(refused, etag, sent)
        world.daemon.stop()
        return reply

    provider.admin.post = refuse_and_vanish  # type: ignore[assignment]
    with pytest.raises(RollbackFailed, match="could not be restored"):
        provider.commit(document, reading)
