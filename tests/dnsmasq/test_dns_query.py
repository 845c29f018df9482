"""The minimal query against a real dnsmasq, against silence, and against replies that are none."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from dnsmasq_world import World
from hypothesis import given
from hypothesis import strategies as st

from conduit.grammar import split_host_port
from conduit.providers.dns_query import ask


@contextmanager
def server(reply: Callable[[bytes], bytes]) -> Iterator[tuple[str, int]]:
    """A UDP server that answers one question with whatever `reply` makes of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.bind(("127.0.0.1", 0))

        def serve() -> None:
            question, client = link.recvfrom(4096)
            link.sendto(reply(question), client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield link.getsockname()
        thread.join()


def test_it_reads_what_dnsmasq_says(world: World) -> None:
    world.apply(
        six={"name": "a.home.arpa", "type": "AAAA", "value": "fd00::5"},
        text={"name": "t.home.arpa", "type": "TXT", "value": "hello"},
        alias={"name": "alias.home.arpa", "type": "CNAME", "value": "a.home.arpa"},
    )
    address = split_host_port(world.daemon.address)
    assert ask(address, "a.home.arpa", "AAAA", 2) == [socket.inet_pton(socket.AF_INET6, "fd00::5")]
    assert ask(address, "alias.home.arpa", "AAAA", 2) == [socket.inet_pton(socket.AF_INET6, "fd00::5")]
    assert ask(address, "t.home.arpa", "TXT", 2) == [b"\x05hello"]
    assert ask(address, "absent.home.arpa", "TXT", 2) == []


def test_nobody_listening_and_silence_are_errors() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        address = silent.getsockname()
        with pytest.raises(TimeoutError):
            ask(address, "a.home.arpa", "TXT", 0.05)
    with pytest.raises(ConnectionRefusedError):
        ask(address, "a.home.arpa", "TXT", 2)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (lambda q: b"", "cut short"),
        (lambda q: q, "another question"),
        (lambda q: bytes([q[0] ^ 1]) + q[1:2] + b"\x80" + q[3:], "another question"),
        (lambda q: q[:2] + b"\x80" + q[3:12] + b"\x01b" + q[14:], "another question"),
        (lambda q: q[:2] + b"\x82" + q[3:], "fit into one message"),
        (lambda q: q[:2] + b"\x80" + q[3:6] + b"\x00\x01" + q[8:], "cut short"),
    ],
)
def test_a_reply_that_is_none_is_refused(reply: Callable[[bytes], bytes], message: str) -> None:
    with server(reply) as address, pytest.raises(ValueError, match=message):
        ask(address, "a.home.arpa", "TXT", 2)


@given(st.binary(max_size=200))
def test_no_reply_makes_it_do_anything_else(junk: bytes) -> None:
    with server(lambda q: q[:2] + b"\x80" + q[3:6] + b"\x00\x07" + q[8:] + junk) as address, suppress(ValueError):
        assert isinstance(ask(address, "a", "TXT", 2), list)
