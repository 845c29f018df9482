"""Tiny real servers on loopback that answer as told, well or badly, and remember what they were asked."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from conduit.providers import certs_ca
from conduit.settings import Settings

Behaviour = Callable[[socket.socket], None]
OVER = threading.Event()


def says(answer: bytes) -> Behaviour:
    """A server that sends `answer` and closes."""
    return lambda connection: connection.sendall(answer)


def hangs(connection: socket.socket) -> None:
    """A server that takes the request and keeps silent."""
    OVER.wait(60)


def endless(start: bytes, piece: bytes, pause: float = 0.0) -> Behaviour:
    """A server that sends `piece` for ever after `start`, one each `pause` seconds."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        while not OVER.wait(pause):
            connection.sendall(piece)

    return behave


class Server:
    """A listener on loopback.

    `requests` are the heads it read, `names` the TLS server names, `peak` the most connections at once.
    """

    def __init__(self, behave: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.behave, self.tls = behave, tls
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        self.peak = self._now = 0
        self._lock = threading.Lock()
        if tls:
            tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address: tuple[str, int] = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._now += 1
            self.peak = max(self.peak, self._now)
        with suppress(OSError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                self.requests.append(_head(connection))
                self.behave(connection)
        with self._lock:
            self._now -= 1


def _head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and (more := connection.recv(4096)):
        head += more
    return head


class Authority:
    """A CA in a directory, which makes server contexts; `serial` is that of its last certificate."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.root = directory / "root.crt"
        certs_ca.create(directory, "test", int(time.time()), 86400)
        self.serial, self.not_after = "", 0

    def context(self, *names: str, age: int = 0) -> ssl.SSLContext:
        """Return a TLS server context with a new certificate for `names`, issued `age` seconds ago for an hour."""
        now = int(time.time())
        issued = certs_ca.open_authority(self.directory, now).issue(names[0], list(names), now - age, 3600)
        pair = self.directory / "pair.pem"
        pair.write_bytes(issued.certificate + issued.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
        self.serial, self.not_after = issued.serial, issued.not_after
        return context


def settings(**sections: Any) -> Settings:
    """Return settings that allow loopback upstreams."""
    return Settings.model_validate({"upstreams": {"allow_loopback": True}, "proxy_address": "127.0.0.1"} | sections)
