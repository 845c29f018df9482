"""One HTTP/1.1 call over an open socket (RFC 9112), with a deadline for the whole of it.

`http.client` would do, but it imports TLS and mail as well: that takes longer than all an empty diff asks of Caddy.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LONGEST_LINE: Final = 65536
MOST_HEADERS: Final = 100
BODILESS: Final = (204, 304)
BLOCK: Final = 2**18
"""Bytes of a body that are read at once, at most."""


class NotWhole(Exception):
    """What came back is not one whole HTTP answer."""


class Answer(Struct, frozen=True):
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
    body = bytearray()
    try:
        stream.send(request)
        sent()
        reader: BufferedReader = BufferedReader(stream)
        status, headers = _head(reader)
        for piece in _pieces(reader, status, headers):
            body += piece
            if len(body) > limit:
                raise NotWhole(f"the answer is larger than {limit} bytes")
    except TimeoutError:
        raise TimeoutError(f"no whole answer within {seconds:g} s") from None
    return Answer(status, headers, bytes(body))


def glance(peer: socket.socket, request: bytes, deadline: float, limit: int) -> Answer:
    """Send a request and return the answer with as much of its body as comes in time, at most `limit` bytes.

    `deadline` is one of the monotonic clock. Raises what `call` raises, TimeoutError when not even the head is there.
    """
    stream = _Stream(peer, deadline)
    stream.send(request)
    reader: BufferedReader = BufferedReader(stream)
    status, headers = _head(reader)
    body = bytearray()
    with suppress(TimeoutError):
        for piece in _pieces(reader, status, headers):
            body += piece
            if len(body) >= limit:
                break
    return Answer(status, headers, bytes(body[:limit]))


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


def _head(stream: BufferedReader) -> tuple[int, Mapping[str, str]]:
    """Return status and headers of the answer; those that only announce it are passed over (RFC 9110 section 15.2)."""
    if not stream.peek(1):
        raise ConnectionResetError("the connection was closed without an answer")
    status, headers = _status(stream), _headers(stream)
    while status // 100 == 1:
        status, headers = _status(stream), _headers(stream)
    return status, headers


def _status(stream: BufferedReader) -> int:
    version, _, words = _line(stream).partition(b" ")
    status = words.partition(b" ")[0]
    if not version.startswith(b"HTTP/1.") or len(status) != 3 or not status.isdigit():
        raise NotWhole("the answer is not HTTP")
    return int(status)


def _line(stream: BufferedReader) -> bytes:
    line = stream.readline(LONGEST_LINE)
    if not line.endswith(b"\n"):
        raise NotWhole("the answer ended early, or a line of it is too long")
    return line.rstrip(b"\r\n")


def _headers(stream: BufferedReader) -> Mapping[str, str]:
    """Read headers to their end; the values of one that comes again are joined (RFC 9110 section 5.3)."""
    found: dict[str, str] = {}
    for _ in range(MOST_HEADERS):
        line = _line(stream)
        if not line:
            return found
        name, _, value = line.decode("latin-1").partition(":")
        name, value = name.lower(), value.strip()
        found[name] = f"{found[name]}, {value}" if name in found else value
    raise NotWhole(f"the answer has more than {MOST_HEADERS} headers")


def _pieces(stream: BufferedReader, status: int, headers: Mapping[str, str]) -> Iterator[bytes]:
    """Yield a body as it comes; some answers have none whatever their headers say (RFC 9112 section 6.3)."""
    if status in BODILESS:
        return
    if headers.get("transfer-encoding", "").lower() == "chunked":
        yield from _chunks(stream)
    elif "content-length" in headers:
        yield from _exactly(stream, _number(headers["content-length"].encode(), 10))
    else:
        yield from iter(lambda: stream.read1(BLOCK), b"")


def _chunks(stream: BufferedReader) -> Iterator[bytes]:
    """Yield the chunks of a body and read the trailer after them, so that a body cut short is told."""
    while size := _number(_line(stream).partition(b";")[0].strip(), 16):
        yield from _exactly(stream, size)
        _line(stream)
    _headers(stream)


def _exactly(stream: BufferedReader, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.read1(min(size, BLOCK))
        if not piece:
            raise NotWhole(f"the answer ended {size} bytes early")
        size -= len(piece)
        yield piece


def _number(digits: bytes, base: int) -> int:
    try:
        if not digits.isalnum():
            raise ValueError
        return int(digits, base)
    except ValueError:
        raise NotWhole("the answer does not tell its length") from None
