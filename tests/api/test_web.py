"""What the network may send: foreign hosts and sites, bodies and heads without end, streams nobody reads."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_world import KEY, make_served

from conduit.sandbox.machine import wait_for

MIB = 2**20


def raw(served: Any, request: bytes, *, limit: int = 65536) -> bytes:
    """Send bytes on a connection of their own and return what comes back until the server closes or falls silent."""
    with socket.create_connection(("127.0.0.1", served.port), 5) as link:
        link.settimeout(5)
        link.sendall(request)
        found = b""
        try:
            while len(found) < limit and (part := link.recv(65536)):
                found += part
        except TimeoutError:
            pass
        return found


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ("Host: evil.example", 421),
        ("X-Forwarded-Host: 127.0.0.1", 400),
        ("Host: 127a0.0.1:PORT", 421),
        ("Host: 127.0.0.1:PORT\r\nHost: evil.example", 400),
        ("Host: a@127.0.0.1:PORT", 421),
        ("Host: evil.example\r\nX-Forwarded-Host: 127.0.0.1:PORT", 421),
        ("Host: localhost:PORT", 200),
    ],
)
def test_w1_only_our_own_host_is_answered(served: Any, head: str, wanted: int) -> None:
    lines = f"GET /api/ping HTTP/1.1\r\n{head}\r\nConnection: close\r\n\r\n".replace("PORT", str(served.port))
    answer = raw(served, lines.encode())
    assert status(answer) == wanted
    assert b"content-security-policy: default-src 'none'" in answer
    assert b"server:" not in answer.lower()


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Content-Type": "text/plain"},
        {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Cookie": "__Host-conduit=stolen", "X-API-Key": ""},
        {"Origin": "http://localhost.evil.example"},
    ],
)
def test_w2_a_change_is_not_taken_from_another_site(served: Any, headers: dict[str, str]) -> None:
    before = served.live()
    answer = served.client.post("/api/routing/reload", headers=headers, content=b"{}")
    assert answer.status_code == 403, answer.text
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert served.live() == before
    newest = served.acted()
    assert (newest["action"], newest["message"]) == ("denied", "POST /api/routing/reload")


def test_w2_a_preflight_allows_nothing(served: Any) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = served.client.options("/api/services", headers=asked)
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_w5_a_body_without_end_is_refused(served: Any) -> None:
    before = served.resident
    pieces = iter(lambda: b"x" * 65536, b"")
    head = f"POST /api/services HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nX-API-Key: {KEY}\r\n"
    with socket.create_connection(("127.0.0.1", served.port), 5) as link:
        link.settimeout(10)
        link.sendall(f"{head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        try:
            for piece in pieces:
                link.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                sent += len(piece)
                assert sent < 1024 * MIB, "the server takes everything"
        except (BrokenPipeError, ConnectionResetError, TimeoutError):
            pass
    announced = raw(served, f"{head}Content-Type: application/json\r\nContent-Length: {2**30}\r\n\r\n".encode())
    assert status(announced) == 413
    assert served.resident - before < 50 * MIB
    assert served.visitor.get("/api/ping").json() == {"ok": True}


@pytest.mark.parametrize("head", ["X-A: 1\r\n" * 100_000, f"X-A: {'a' * 100_000}\r\n"], ids=["many", "long"])
def test_w5_a_head_without_end_is_refused(served: Any, head: str) -> None:
    request = f"GET /api/ping HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n{head}\r\n"
    try:
        answer = raw(served, request.encode())
    except (BrokenPipeError, ConnectionResetError):
        return
    assert answer == b"" or status(answer) == 400


def test_w5_a_large_number_and_many_parameters_are_answered(served: Any) -> None:
    number = '{"name": "a", "host": "10.0.0.1", "port": ' + "9" * (900 * 1024) + "}"
    json_type = {"Content-Type": "application/json"}
    assert served.client.post("/api/services", content=number, headers=json_type).status_code in (400, 422)
    query = "&".join(f"k{number}=1" for number in range(1500))
    assert served.client.get(f"/api/audit?{query}").status_code in (200, 400)


@pytest.mark.parametrize("clients", [100, pytest.param(1000, marks=pytest.mark.soak)])
def test_w5_slow_heads_are_let_go_and_disturb_nobody(served: Any, clients: int) -> None:
    """Each sends a byte a second, as Slowloris does, and is let go when its head has taken its time."""
    before = served.resident
    links = [socket.create_connection(("127.0.0.1", served.port), 20) for _ in range(clients)]
    for link in links:
        link.sendall(b"GET /api/ping HTTP/1.1\r\nX-A: ")
    left = list(links)
    while left:
        assert httpx.get(f"{served.url}/api/ping").json() == {"ok": True}
        assert served.resident - before < 50 * MIB
        closed, _, _ = select.select(left, [], [], 1)
        left = [link for link in left if link not in closed and _sent(link, b"a")]
    for link in links:
        link.close()


def _sent(link: socket.socket, piece: bytes) -> bool:
    """Send a piece; False when the server has hung up."""
    try:
        link.sendall(piece)
    except OSError:
        return False
    return True


def test_w6_streams_are_counted_for_each_caller(served: Any) -> None:
    streams = [httpx.stream("GET", f"{served.url}/api/events", headers={"X-API-Key": KEY}) for _ in range(5)]
    opened = [stream.__enter__() for stream in streams]
    try:
        assert [each.status_code for each in opened] == [200] * 5
        refused = served.api("GET", "/api/events")
        assert refused.status_code == 429
        assert refused.headers["retry-after"]
    finally:
        for stream in streams:
            stream.__exit__(None, None, None)
    wait_for(lambda: _opens(served), "the streams are given back")


def _opens(served: Any) -> bool:
    with served.client.stream("GET", "/api/events") as stream:
        return bool(stream.status_code == 200)


def test_w6_a_reader_who_does_not_read_is_let_go(served: Any) -> None:
    link = socket.create_connection(("127.0.0.1", served.port), 5)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    link.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nX-API-Key: {KEY}\r\n\r\n".encode())
    assert link.recv(15).startswith(b"HTTP/1.1 200")
    names = "".join(f"  many-{number}: {{upstream: '{served.echo}'}}\n" for number in range(25))
    assert served.conduit("suspend").code == 0
    file = served.write("many.yaml", f"services:\n{names}")
    stop = threading.Event()

    def publish() -> None:
        while not stop.is_set():
            served.api("GET", "/api/diff")

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        streams = "conduit_event_streams 0.0"
        wait_for(lambda: streams in served.api("GET", "/metrics").text, "the reader is let go", deadline=120)
    finally:
        stop.set()
        publisher.join()
        link.close()
        file.unlink()
        assert served.conduit("resume").code == 0
    assert served.resident < 400 * MIB


def test_other_spellings_of_a_path_have_the_same_verdict(served: Any) -> None:
    for path in ("/api//services", "/api/services/", "//api/services", "/api/%73ervices"):
        assert served.visitor.get(served.url + path).status_code in (401, 404, 503), path
    for header in ("X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL"):
        assert served.visitor.get("/api/services", headers={header: "/api/ping"}).status_code == 401


def test_l4_the_audit_names_the_peer_and_not_a_header(served: Any) -> None:
    forged = {"X-Forwarded-For": "1.2.3.4", "Forwarded": "for=1.2.3.4", "X-API-Key": "wrong"}
    assert served.api("POST", "/api/apply", headers=forged).status_code == 401
    newest = served.acted()
    assert (newest["action"], newest["address"], newest["user"]) == ("denied", "127.0.0.1", "anonymous")


def test_every_answer_carries_the_security_headers(served: Any) -> None:
    for path in ("/api/ping", "/api/nothing", "/", "/api/diff", "/assets/x.js"):
        headers = served.visitor.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-request-id"]
    assert served.api("GET", "/api/services").headers["cache-control"] == "no-store"


def test_head_works_wherever_get_does(served: Any) -> None:
    for path in ("/api/ping", "/api/services", "/api/dns", "/"):
        got, headed = served.api("GET", path), served.api("HEAD", path)
        assert headed.status_code == got.status_code
        assert headed.content == b""
        assert headed.headers["content-type"] == got.headers["content-type"]


def test_unknown_paths_below_api_are_json_404(served: Any) -> None:
    for path in ("/api/nothing", "/api/services/a/b/c", "/api", "/api/./x"):
        answer = served.api("GET", path)
        assert answer.status_code == 404, path
        assert set(answer.json()) >= {"error", "detail", "code", "request_id"}
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert served.api(method, "/api/nothing").status_code in (404, 405)


def test_the_key_is_in_no_child_and_no_list_of_processes(served: Any) -> None:
    assert served.register("keyed")["ok"]
    assert KEY.encode() not in Path(f"/proc/{served.pid}/cmdline").read_bytes()
    for daemon in served.daemons.values():
        assert KEY.encode() not in Path(f"/proc/{daemon.pid}/environ").read_bytes()
    assert KEY not in json.dumps(served.api("GET", "/api/audit?limit=500").json()) + served.log


@pytest.fixture(scope="module")
def limited() -> Iterator[Any]:
    """A served site with small allowances, open for reading."""
    with make_served(reads_per_minute=40, writes_per_minute=3, anonymous_read=True) as site:
        yield site


def test_each_address_has_its_allowance(limited: Any) -> None:
    statuses = [limited.api("POST", "/api/dns/flush").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = limited.api("POST", "/api/dns/flush", headers={"X-Forwarded-For": "9.9.9.9"})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert "error" in refused.json()
    assert all(limited.api("GET", "/api/ping").status_code == 200 for _ in range(60))


def test_reads_may_be_opened_and_writes_never(limited: Any) -> None:
    assert limited.visitor.get("/api/services").status_code == 200
    assert limited.visitor.get("/api/services", headers={"X-API-Key": "wrong"}).status_code == 401
    assert limited.visitor.post("/api/apply").status_code in (401, 429)
    assert limited.visitor.get("/schema").status_code == 200


SCRIPT = "<script>alert(1)</script>"


def test_w3_a_stored_script_is_text_wherever_it_comes_out(served: Any) -> None:
    """Stored in an audit entry, a maintenance page, an upstream's answer; sent in a path and a query."""
    served.visitor.post("/api/auth/login", json={"username": SCRIPT, "password": "javascript:alert(1)"})
    hostile = served.new_upstream(SCRIPT, status=500)
    served.register("hostile", host=hostile.address, health_path="/health")
    fields = {"upstream": served.echo, "maintenance": {"message": f"back soon {SCRIPT}"}}
    made = served.api("PUT", "/api/resources/service/resting", fields, headers={"If-None-Match": "*"})
    assert made.status_code == 201, made.text
    assert SCRIPT in served.api("GET", "/api/audit?limit=500").text, "it is told, as text"
    page = served.curl("https://resting.home.arpa/").stdout
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert SCRIPT not in page
    asked = (
        *("/api/audit?limit=500", "/api/services/hostile/health", "/api/resources/service/resting"),
        *(f"/api/audit?limit={SCRIPT}", f"/api/services/{SCRIPT}/health", f"/api/resources/service/{SCRIPT}"),
        *(f"/api/dns/resolve?domain={SCRIPT}", f"/api/{SCRIPT}", f"/{SCRIPT}", "/javascript:alert(1)"),
    )
    for path in asked:
        answer = served.api("GET", path)
        assert SCRIPT not in answer.text or "json" in answer.headers["content-type"], path
        assert answer.headers["x-content-type-options"] == "nosniff", path
        policy = dict(each.split(maxsplit=1) for each in answer.headers["content-security-policy"].split("; "))
        assert (policy["default-src"], policy["script-src"]) == ("'none'", "'self'"), path
