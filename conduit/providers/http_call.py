"""One HTTP/1.1 call over an open socket (RFC 9112), with a deadline for the whole of it.

`http.client` would do, but it imports TLS and mail as well: that takes longer than all an empty diff asks of Caddy.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LONGEST_LINE: Final = 65536
MOST_HEADERS: Final = 100


class NotWhole(Exception):
    """What came back is not one whole HTTP answer."""


class Answer(NamedTuple):
    """One answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def call(peer: socket.socket, request: bytes, seconds: float, limit: int, sent: Callable[[], None]) -> Answer:
    """Send a request, call `sent`, and return the answer, whose body has at most `limit` bytes.

    Raises `NotWhole`, ConnectionError when the peer closes without a word, TimeoutError after `seconds` in all: a peer
    that sends a byte now and then never runs into a socket's own timeout.
    """
    stream = _Stream(peer, time.monotonic() + seconds)
    try:
        stream.send(request)
        sent()
        return _answer(BufferedReader(stream), limit)
    except TimeoutError:
        raise TimeoutError(f"no whole answer within {seconds:g} s") from None


class _Stream(RawIOBase):
    """A socket that is read and written until a deadline of the monotonic clock. Raises TimeoutError."""

    def __init__(self, peer: socket.socket, deadline: float) -> None:
        self._peer, self._deadline = peer, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._wait()
        return self._peer.recv_into(buffer)

    def send(self, data: bytes) -> None:
        self._wait()
        self._peer.sendall(data)

    def _wait(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._peer.settimeout(left)


def _answer(stream: BufferedReader, limit: int) -> Answer:
    if not stream.peek(1):
        raise ConnectionResetError("the connection was closed without an answer")
    version, _, words = _line(stream).partition(b" ")
    status = words.partition(b" ")[0]
    if not version.startswith(b"HTTP/1.") or len(status) != 3 or not status.isdigit():
        raise NotWhole("the answer is not HTTP")
    headers = dict(_headers(stream))
    return Answer(int(status), headers, _body(stream, headers, limit))


def _line(stream: BufferedReader) -> bytes:
    line = stream.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise NotWhole("the answer ended early, or a line of it is too long")
    return line.rstrip(b"\r\n")


def _headers(stream: BufferedReader) -> Iterator[tuple[str, str]]:
    for _ in range(MOST_HEADERS):
        line = _line(stream)
        if not line:
            return
        name, _, value = line.decode("latin-1").partition(":")
        yield name.lower(), value.strip()
    raise NotWhole(f"the answer has more than {MOST_HEADERS} headers")


def _body(stream: BufferedReader, headers: Mapping[str, str], limit: int) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return b"".join(_chunks(stream, limit))
    if "content-length" in headers:
        return _exactly(stream, _number(headers["content-length"].encode(), 10), limit)
    body = stream.read(limit + 1)
    if len(body) > limit:
        raise NotWhole(f"the answer is larger than {limit} bytes")
    return body


def _chunks(stream: BufferedReader, limit: int) -> Iterator[bytes]:
    """Yield the chunks of a body and read the trailer after them, so that a body cut short is told."""
    left = limit
    while size := _number(_line(stream).partition(b";")[0].strip(), 16):
        yield _exactly(stream, size, left)
        left -= size
        _line(stream)
    list(_headers(stream))


def _exactly(stream: BufferedReader, size: int, limit: int) -> bytes:
    if size > limit:
        raise NotWhole("the answer is too large")
    body = stream.read(size)
    if len(body) < size:
        raise NotWhole(f"the answer ended {size - len(body)} bytes early")
    return body


def _number(digits: bytes, base: int) -> int:
    try:
        if not digits.isalnum():
            raise ValueError
        return int(digits, base)
    except ValueError:
        raise NotWhole("the answer does not tell its length") from None
