"""One HTTP call over a socket pair: every way a body may end is read whole, and nothing less is taken for an answer."""

from __future__ import annotations

import socket
import time

import pytest

from conduit.providers.http_call import Answer, NotWhole, call, glance

OK = b"HTTP/1.1 200 OK\r\n"
REQUEST = b"GET / HTTP/1.1\r\nHost: \r\n\r\n"


def answer(said: bytes, limit: int = 1000) -> Answer:
    """Return what a call makes of a peer that says this and closes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        found = call(ours, REQUEST, 5.0, limit, lambda: None)
        assert theirs.recv(1000) == REQUEST
        return found


WHOLE = {
    "by its length": OK + b"Content-Length: 5\r\n\r\nhello, and more",
    "in chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nEtag: late\r\n\r\n",
    "with the connection": OK + b"\r\nhello",
    "with bare line feeds": b"HTTP/1.0 200\ncontent-length:5\n\nhello",
}


@pytest.mark.parametrize("way", WHOLE)
def test_a_body_ends(way: str) -> None:
    found = answer(WHOLE[way])
    assert (found.status, found.body) == (200, b"hello")


def test_headers_are_found_in_any_case() -> None:
    assert answer(OK + b"ETag:  a \r\nContent-LENGTH: 0\r\n\r\n").headers == {"etag": "a", "content-length": "0"}


def test_a_header_that_comes_again_is_joined_with_the_first() -> None:
    assert answer(OK + b"Via: 1.1 a\r\nContent-Length: 0\r\nVIA: 1.1 b\r\n\r\n").headers["via"] == "1.1 a, 1.1 b"


def test_what_only_announces_an_answer_is_passed_over() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    found = answer(hints + WHOLE["by its length"])
    assert (found.status, found.headers, found.body) == (200, {"content-length": "5"}, b"hello")


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_may_tell_its_length(status: int) -> None:
    """nginx hands on the length that an upstream tells, and the answer was taken for one that ended early."""
    found = answer(b"HTTP/1.1 %d \r\nContent-Length: 298\r\n\r\n" % status)
    assert (found.status, found.body) == (status, b"")


@pytest.mark.parametrize(("said", "seen"), [(b"hello", b"hel"), (b"he", b"he")])
def test_a_glance_takes_what_comes_of_a_body(said: bytes, seen: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(OK + b"Content-Length: 10\r\n\r\n" + said)
        found = glance(ours, REQUEST, time.monotonic() + 1, 3)
        assert (found.status, found.body, theirs.recv(1000)) == (200, seen, REQUEST)


@pytest.mark.parametrize("said", [b"", OK + b"Content-Le"])
def test_a_glance_needs_the_head(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(said)
        with pytest.raises(TimeoutError):
            glance(ours, REQUEST, time.monotonic() + 0.05, 1000)


NOT_WHOLE = {
    "not HTTP": b"220 mail.lan ESMTP\r\n\r\n",
    "no status": b"HTTP/1.1 two hundred\r\n\r\n",
    "half a head": OK + b"Content-Le",
    "headers without end": OK + b"X: y\r\n" * 200,
    "half a body": OK + b"Content-Length: 10\r\n\r\nhello",
    "half a chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhello",
    "no last chunk": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "no end of the trailer": OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    "a length that is none": OK + b"Content-Length: -1\r\n\r\nhello",
    "a chunk that is none": OK + b"Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n",
    "too much by length": OK + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000,
    "too much in chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"1F4\r\n" + b"x" * 500 + b"\r\n1F5\r\n",
    "too much until the end": OK + b"\r\n" + b"x" * 2000,
}


@pytest.mark.parametrize("fault", NOT_WHOLE)
def test_less_than_a_whole_answer_is_none(fault: str) -> None:
    with pytest.raises(NotWhole, match="the answer"):
        answer(NOT_WHOLE[fault])


def test_a_peer_that_closes_without_a_word_is_told_apart() -> None:
    with pytest.raises(ConnectionError):
        answer(b"")


def test_a_silent_peer_ends_the_call_at_its_deadline() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError, match=r"within 0\.05 s"):
        call(ours, REQUEST, 0.05, 1000, lambda: None)
