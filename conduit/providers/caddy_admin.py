"""Caddy's admin API over a unix socket or TCP, with a deadline for each whole call."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Event, Timer

CONNECT_SECONDS = 2.0
CALL_SECONDS = 10.0
RETRIES = 5
RETRY_SECONDS = 0.02
LARGEST_REPLY = 64 * 2**20


class AdminError(Exception):
    """The admin API gave no whole answer: not reachable, too slow, cut short or too large."""


class _Closed(AdminError):
    """The peer refused or closed the connection."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the admin API; `etag` is empty where Caddy sent none (before 2.7 it is a trailer)."""

    status: int
    body: bytes
    etag: str


class _Connection(HTTPConnection):
    """An HTTP connection to `unix//path` or `host:port`."""

    def __init__(self, address: str) -> None:
        self._path = socket_path(address)
        super().__init__("localhost" if self._path else address)

    def connect(self) -> None:
        if self._path:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(CONNECT_SECONDS)
            self.sock.connect(self._path)
        else:
            self.timeout = CONNECT_SECONDS
            super().connect()
        self.sock.settimeout(CALL_SECONDS)


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
        return self._call("POST", "/config/", body, etag, sent)

    def _call(
        self, method: str, path: str, body: bytes | None = None, etag: str = "", sent: Callable[[], None] = lambda: None
    ) -> Reply:
        connection = _Connection(self.address)
        try:
            connection.connect()
            with _deadline(connection, self.seconds):
                self._send(connection, method, path, body, etag)
                sent()
                return _read(connection.getresponse())
        except ConnectionError as error:
            raise _Closed(_why(error)) from error
        except (OSError, HTTPException) as error:
            raise AdminError(_why(error)) from error
        finally:
            connection.close()

    def _send(self, connection: HTTPConnection, method: str, path: str, body: bytes | None, etag: str) -> None:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        # Over a unix socket old versions allow an empty Host only; over TCP it must be an address they listen on.
        connection.putheader("Host", "" if socket_path(self.address) else self.address)
        if etag:
            connection.putheader("If-Match", etag)
        if body is not None:
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)


@contextmanager
def _deadline(connection: HTTPConnection, seconds: float) -> Iterator[None]:
    """End the call after `seconds` in all: a peer that sends a byte now and then never runs into a socket timeout."""
    open_socket = connection.sock
    expired = Event()

    def expire() -> None:
        expired.set()
        with suppress(OSError):
            open_socket.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if expired.is_set():
            raise TimeoutError(f"no whole answer within {seconds:g} s")


def _read(response: HTTPResponse) -> Reply:
    body = response.read(LARGEST_REPLY + 1)
    if len(body) > LARGEST_REPLY:
        raise HTTPException(f"the answer is larger than {LARGEST_REPLY} bytes")
    if response.length:
        raise HTTPException(f"the answer ended {response.length} bytes early")
    return Reply(response.status, body, response.headers.get("Etag", ""))


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
