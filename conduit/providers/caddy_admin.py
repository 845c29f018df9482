"""Caddy's admin API over a unix socket or TCP, with a deadline for each whole call."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from msgspec import Struct

from conduit.providers.http_call import NotWhole, call

CONNECT_SECONDS = 2.0
CALL_SECONDS = 10.0
TURN = 0.00005
"""Seconds until a thread that computes lets the one that sends go on."""
RETRIES = 5
RETRY_SECONDS = 0.02
LARGEST_REPLY = 64 * 2**20


class AdminError(Exception):
    """The admin API gave no whole answer: not reachable, too slow, cut short or too large."""


class _Closed(AdminError):
    """The peer refused or closed the connection."""


class Reply(Struct, frozen=True):
    """One answer of the admin API; `etag` is empty where Caddy sent none (before 2.7 it is a trailer)."""

    status: int
    body: bytes
    etag: str


def socket_path(address: str) -> str:
    """Return the path of a unix socket address, without its permission bits; empty for TCP."""
    return address.removeprefix("unix/").partition("|")[0] if address.startswith("unix/") else ""


class Admin:
    """A client of one admin endpoint. It keeps no connection: Caddy closes them at each reload."""

    def __init__(self, address: str, seconds: float = CALL_SECONDS) -> None:
        self.address, self.seconds = address, seconds

    def get(self, path: str = "/config/") -> Reply:
        """Read a path. Raises `AdminError`.

        Just after a reload the endpoint that goes away accepts connections and closes them, so reading is repeated.
        """
        for _ in range(RETRIES):
            with suppress(_Closed):
                return self._call("GET", path)
            time.sleep(RETRY_SECONDS)
        return self._call("GET", path)

    def post(self, body: bytes, etag: str, sent: Callable[[], None] = lambda: None) -> Reply:
        """Write the configuration, only over the state `etag` names unless that is empty; `sent` is called between.

        Raises `AdminError`; then nobody knows whether Caddy took it.
        """
        with _short_turns() as end_of_turns:

            def told() -> None:
                end_of_turns()
                sent()

            return self._call("POST", "/config/", body, etag, told)

    def _call(
        self, method: str, path: str, body: bytes = b"", etag: str = "", sent: Callable[[], None] = lambda: None
    ) -> Reply:
        request = _head(method, path, self.address, len(body), etag).encode() + body
        try:
            with _connected(self.address) as peer:
                answer = call(peer, request, self.seconds, LARGEST_REPLY, sent)
        except ConnectionError as error:
            raise _Closed(_why(error)) from error
        except (OSError, NotWhole) as error:
            raise AdminError(_why(error)) from error
        return Reply(answer.status, answer.body, answer.headers.get("etag", ""))


@contextmanager
def _short_turns() -> Iterator[Callable[[], None]]:
    """Let no thread compute for long until what it yields is called, or the block is left.

    Who sends a document needs the interpreter at each part of it, and would wait as long for each.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield partial(sys.setswitchinterval, before)
    finally:
        sys.setswitchinterval(before)


def _connected(address: str) -> socket.socket:
    """Return a connection to `unix//path` or `host:port`. Raises OSError."""
    path = socket_path(address)
    if not path:
        host, _, port = address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS)
    peer = socket.socket(socket.AF_UNIX)
    try:
        peer.settimeout(CONNECT_SECONDS)
        peer.connect(path)
    except OSError:
        peer.close()
        raise
    return peer


def _head(method: str, path: str, address: str, length: int, etag: str) -> str:
    """Return the head of a request, blank line included."""
    # Over a unix socket old versions allow an empty Host only; over TCP it must be an address they listen on.
    lines = [f"{method} {path} HTTP/1.1", f"Host: {'' if socket_path(address) else address}"]
    lines += [f"If-Match: {etag}"] if etag else []
    lines += ["Content-Type: application/json", f"Content-Length: {length}"] if length else []
    return "\r\n".join([*lines, "", ""])


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
