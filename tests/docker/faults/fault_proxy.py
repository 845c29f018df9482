"""Stands between conduit and a real dockerd: passes everything on, but for the calls a test spoils."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HEAD = re.compile(rb"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.1\r\n")
LENGTH = re.compile(rb"\r\nContent-Length: ([0-9]+)\r\n", re.IGNORECASE)
Spoil = Callable[[socket.socket, bytes], None]
"""Answers a client, given what dockerd answered."""


class FaultProxy:
    """A unix socket that leads to dockerd's own. `spoil` maps a pattern of `GET /path` to how its answer is spoiled."""

    def __init__(self, path: Path, behind: str) -> None:
        self.path, self._behind = path, behind
        self.spoil: dict[str, Spoil] = {}
        self.asked: list[str] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._held: list[socket.socket] = []

    @contextmanager
    def running(self) -> Iterator[FaultProxy]:
        """Serve while a `with` block runs."""
        threading.Thread(target=self._serve, daemon=True).start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            for each in self._held:
                each.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._held.append(client)
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with socket.socket(socket.AF_UNIX) as daemon, suppress(OSError):
            daemon.connect(self._behind)
            while request := client.recv(65536):
                found = HEAD.match(request)
                if found is None:
                    daemon.sendall(request)  # more of the body of the request before
                    continue
                call = f"{found['method'].decode()} {found['path'].decode()}"
                self.asked.append(call)
                spoil = next((each for pattern, each in self.spoil.items() if re.search(pattern, call)), None)
                if spoil is not None:
                    request += _rest(client, request)
                daemon.sendall(request)
                if spoil is not None:
                    spoil(client, _whole(daemon))
                    client.close()
                    return
                threading.Thread(target=_pump, args=(daemon, client), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


def _rest(client: socket.socket, request: bytes) -> bytes:
    """Read what is missing of a request: its body may come after its head, and without it nothing is done."""
    head, _, body = request.partition(b"\r\n\r\n")
    length = LENGTH.search(head + b"\r\n")
    missing, rest = (int(length[1]) if length else 0) - len(body), b""
    while len(rest) < missing and (chunk := client.recv(65536)):
        rest += chunk
    return rest


def _whole(daemon: socket.socket) -> bytes:
    """Read an answer until its connection ends or nothing more comes."""
    daemon.settimeout(1.0)
    answer = b""
    with suppress(TimeoutError):
        while chunk := daemon.recv(65536):
            answer += chunk
    return answer


def nothing(client: socket.socket, answer: bytes) -> None:
    """Close without a word."""


def half(client: socket.socket, answer: bytes) -> None:
    """Send half of the answer."""
    client.sendall(answer[: len(answer) // 2])


def hang(client: socket.socket, answer: bytes) -> None:
    """Say nothing until the client gives up."""
    client.recv(1)


def drip(client: socket.socket, answer: bytes) -> None:
    """Send a byte a second."""
    gone = threading.Event()
    for byte in answer:
        client.sendall(bytes([byte]))
        gone.wait(1.0)


def instead(body: str, status: str = "200 OK") -> Spoil:
    """Answer something else."""

    def answer(client: socket.socket, _: bytes) -> None:
        content = body.encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        client.sendall(head.encode() + content)

    return answer


def endless(client: socket.socket, _: bytes) -> None:
    """Send a list that never ends."""
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n[")
    while True:
        client.sendall(b'{"a": "' + b"x" * 65536 + b'"},')
