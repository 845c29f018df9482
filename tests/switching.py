"""An upstream that answers an upgrade, for the tests of websockets through either proxy."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
REFUSED = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What a server puts behind a client's key before it hashes both (RFC 6455, section 1.3)."""


@contextmanager
def switching_upstream() -> Iterator[str]:
    """Run an upstream that answers an upgrade with 101 and then echoes bytes; without one it answers 426."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve, args=(listener,), daemon=True).start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _serve(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_talk, args=(listener.accept()[0],), daemon=True).start()


def _talk(connection: socket.socket) -> None:
    with connection, suppress(OSError):
        request = connection.recv(65536)
        key = re.search(rb"(?i)\r\nsec-websocket-key: *(\S+)", request)
        if key is None or b"upgrade: websocket" not in request.lower():
            connection.sendall(REFUSED)
            return
        accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())
        connection.sendall(SWITCHING + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while data := connection.recv(1024):
            connection.sendall(data)
