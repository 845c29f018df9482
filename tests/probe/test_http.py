"""One bounded exchange against real servers: how far it gets, what it tells, and what it refuses to follow."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from probe_world import Authority, Server, endless, hangs, says, settings

from conduit.change import Level
from conduit.providers.probe import BODY_BYTES, HttpAnswer, HttpProbe, Prober

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Test: yes\r\n\r\nhi"
Serve = Callable[..., Server]


def ask(server: Server, host: str = "wiki.lan", path: str = "/", **fields: Any) -> HttpAnswer:
    tls = server.tls is not None or "root" in fields
    return Prober(settings()).http(HttpProbe(host, path, tls=tls, address=server.address, **fields))


def test_an_answer_over_tls_names_its_certificate(serve: Serve, authority: Authority) -> None:
    server = serve(says(OK), authority.context("wiki.lan"))
    answer = ask(server, path="/up?full=1", root=authority.root)
    assert (answer.level, answer.status, answer.body) == (Level.UPSTREAM_ANSWERED, 200, b"hi")
    assert (answer.serial, answer.not_after) == (authority.serial, authority.not_after)
    assert (answer.headers["x-test"], answer.client, answer.error) == ("yes", "127.0.0.1", "")
    assert server.names == ["wiki.lan"]
    assert server.requests[0].startswith(b"GET /up?full=1 HTTP/1.1\r\nHost: wiki.lan\r\n")


def test_every_request_has_a_connection_of_its_own(serve: Serve) -> None:
    server = serve(says(OK))
    assert b"connection: close" in (ask(server), server.requests[0].lower())[1]


def test_a_chain_to_another_root_is_not_trusted(serve: Serve, authority: Authority, stranger: Authority) -> None:
    answer = ask(serve(says(OK), stranger.context("wiki.lan")), root=authority.root)
    assert (answer.level, answer.status) == (Level.NO_TLS, None)
    assert "not trusted" in answer.error


def test_a_certificate_of_another_name_is_not_trusted(serve: Serve, authority: Authority) -> None:
    answer = ask(serve(says(OK), authority.context("other.lan")), root=authority.root)
    assert answer.level is Level.NO_TLS
    assert "wiki.lan" in answer.error


def test_an_expired_certificate_is_not_trusted(serve: Serve, authority: Authority) -> None:
    answer = ask(serve(says(OK), authority.context("wiki.lan", age=7200)), root=authority.root)
    assert answer.level is Level.NO_TLS
    assert "expired" in answer.error


def test_a_server_without_tls_is_no_tls(serve: Serve, authority: Authority) -> None:
    answer = ask(serve(says(OK)), root=authority.root)
    assert (answer.level, answer.status) == (Level.NO_TLS, None)


def test_a_missing_root_fails_closed(serve: Serve, authority: Authority) -> None:
    server = serve(says(OK), authority.context("wiki.lan"))
    answer = ask(server, root=Path("/nonexistent/root.crt"))
    assert (answer.status, server.requests) == (None, [])
    assert "root" in answer.error


def test_a_refused_connection(serve: Serve) -> None:
    server = serve(says(OK))
    server.close()
    answer = ask(server)
    assert (answer.level, answer.error) == (Level.NO_CONNECTION, "the connection is refused")


@pytest.mark.parametrize(
    ("behaviour", "tls", "level"),
    [
        (hangs, False, Level.PROXY_ERROR),
        (hangs, True, Level.PROXY_ERROR),
        (endless(b"HTTP/1.1 200 OK\r\n", b"X", 0.05), False, Level.PROXY_ERROR),
    ],
)
def test_a_server_that_never_finishes_the_head(
    serve: Serve, authority: Authority, behaviour: Any, tls: bool, level: Level
) -> None:
    server = serve(behaviour, authority.context("wiki.lan") if tls else None)
    answer = ask(server, seconds=0.5, **({"root": authority.root} if tls else {}))
    assert (answer.level, answer.status) == (level, None)
    assert "0.5 s" in answer.error


def test_a_server_that_never_finishes_the_handshake(serve: Serve, authority: Authority) -> None:
    answer = ask(serve(hangs), root=authority.root, seconds=0.5)
    assert (answer.level, answer.status) == (Level.NO_TLS, None)


def test_an_endless_body_is_cut(serve: Serve) -> None:
    answer = ask(serve(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 5000)))
    assert (answer.status, len(answer.body)) == (200, BODY_BYTES)


def test_a_body_of_one_byte_a_second_still_has_its_status(serve: Serve) -> None:
    answer = ask(serve(endless(b"HTTP/1.1 503 No\r\n\r\n", b"x", 1.0)), seconds=0.5)
    assert (answer.level, answer.status) == (Level.UPSTREAM_ANSWERED, 503)


def test_a_compressed_body_is_not_unpacked(serve: Serve) -> None:
    body = gzip.compress(b"0" * 10_000_000)
    answer = ask(serve(says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body)))
    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 100])
def test_what_is_not_http_reached_nothing_beyond_the_connection(serve: Serve, answer: bytes) -> None:
    got = ask(serve(says(answer)))
    assert (got.level, got.status) == (Level.PROXY_ERROR, None)
    assert got.error.startswith("the exchange failed: ")


def test_a_huge_head_is_refused(serve: Serve) -> None:
    got = ask(serve(endless(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 8000 + b"\r\n")))
    assert (got.level, got.status) == (Level.PROXY_ERROR, None)


def test_a_redirect_is_not_followed(serve: Serve) -> None:
    target = serve(says(OK))
    location = f"Location: http://127.0.0.1:{target.address[1]}/".encode()
    answer = ask(serve(says(b"HTTP/1.1 302 Found\r\n" + location + b"\r\nContent-Length: 0\r\n\r\n")))
    assert (answer.status, target.requests) == (302, [])


def test_a_proxy_of_the_environment_is_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(says(OK)), serve(says(OK))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.address[1]}")
    assert ask(server).status == 200
    assert proxy.requests == []
