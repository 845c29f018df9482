"""Running a program in a container with this process's own input and output, on a terminal when there is one.

The connection is made here and not by the SDK, which reads ahead and so loses what a program writes at once.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import termios
import threading
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, Final

from conduit.providers.docker_api import CONNECT_SECONDS, READ_SECONDS, Api, refused, told
from conduit.providers.docker_sdk import calling, client_of

PIECE: Final = 32 * 1024
HEAD: Final = 64 * 1024
"""The longest answer before the program's output begins, in bytes."""
FRAME: Final = 8
"""Bytes before each piece of output: the stream, three zeros, and the length (Docker API, ContainerAttach)."""
STARTED: Final = (b"101", b"200")
STDIN, STDOUT, STDERR = 0, 1, 2


def run(api: Api, container: str, argv: Sequence[str], *, name: str) -> int:
    """Run `argv` in a container to its end and return its exit code; `name` is the container's for messages.

    Raises `Refused` when Docker does not start it.
    """
    terminal = os.isatty(STDIN) and os.isatty(STDOUT)
    with calling(f"running a program in {name}"):
        client = client_of(api)
        made = client.exec_create(container, list(argv), stdin=True, tty=terminal)["Id"]
        with socket.socket(socket.AF_UNIX) as peer:
            begun = _start(api, peer, made, terminal=terminal)
            with _raw(client, made) if terminal else nullcontext():
                _relay(peer, begun, terminal=terminal)
        return int(client.exec_inspect(made)["ExitCode"] or 0)


def _relay(peer: socket.socket, begun: bytes, *, terminal: bool) -> None:
    """Hand input and output on until the program ends."""
    threading.Thread(target=_send, args=(peer,), daemon=True).start()
    for stream, piece in _pieces(peer, begun) if terminal else _frames(peer, begun):
        _write(stream, piece)


def _start(api: Api, peer: socket.socket, made: str, *, terminal: bool) -> bytes:
    """Start a program over a new connection; returns what it has written already. Raises `Refused`, OSError."""
    body = json.dumps({"Detach": False, "Tty": terminal})
    head = (
        f"POST /exec/{made}/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    peer.settimeout(CONNECT_SECONDS)
    peer.connect(str(api.path))
    peer.settimeout(READ_SECONDS)
    peer.sendall((head + body).encode("ascii"))
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = peer.recv(PIECE)
        if not piece or len(answer) > HEAD:
            raise ConnectionError("the answer was cut short")
        answer += piece
    peer.settimeout(None)
    said, _, begun = answer.partition(b"\r\n\r\n")
    if said.split()[1] not in STARTED:
        raise refused(f"the program was not started: {told(begun.decode(errors='replace'))}")
    return begun


def _send(peer: socket.socket) -> None:
    """Hand on what is typed until its end."""
    with suppress(OSError):
        while piece := os.read(STDIN, PIECE):
            peer.sendall(piece)
        peer.shutdown(socket.SHUT_WR)


def _pieces(peer: socket.socket, begun: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what a program writes to its terminal."""
    if begun:
        yield STDOUT, begun
    while piece := peer.recv(PIECE):
        yield STDOUT, piece


def _frames(peer: socket.socket, begun: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield what a program writes with the stream it wrote it to."""
    while True:
        while len(begun) < FRAME or len(begun) < FRAME + int.from_bytes(begun[4:FRAME]):
            piece = peer.recv(PIECE)
            if not piece:
                return
            begun += piece
        length = int.from_bytes(begun[4:FRAME])
        yield begun[0], begun[FRAME : FRAME + length]
        begun = begun[FRAME + length :]


def _write(stream: int, piece: bytes) -> None:
    target = STDERR if stream == STDERR else STDOUT
    while piece:
        piece = piece[os.write(target, piece) :]


@contextmanager
def _raw(client: Any, made: str) -> Iterator[None]:
    """Hand every key to the program, and keep its idea of the terminal's size right."""

    def resize(*_: object) -> None:
        size = shutil.get_terminal_size()
        with suppress(Exception):
            client.exec_resize(made, height=size.lines, width=size.columns)

    before = termios.tcgetattr(STDIN)
    earlier = signal.signal(signal.SIGWINCH, resize)
    try:
        tty.setraw(STDIN)
        resize()
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, earlier)
