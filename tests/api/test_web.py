"""What the network may send: foreign hosts and sites, other spellings, forged headers; and what answers carry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_world import KEY, make_served, raw, status


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


@pytest.mark.parametrize(
    ("body", "wanted", "words"),
    [
        (b'{"name": "n\xe9", "host": "10.0.1.5"}', 400, "the body is not UTF-8 text"),
        (b"[" * 100_000, 400, "the body is nested too deeply"),
        (b"", 422, "the body: it is empty; send a JSON object"),
        (b"[1]", 422, "the body: send a JSON object"),
        (b'{"name": "n", "host": "10.0.1.5", "port": "x"}', 422, "port: write a whole number"),
        (b'{"name": "n", "host": "10.0.1.5", "no_tls": 5}', 422, "no_tls: write true or false"),
        (b'{"name": "n"}', 422, "host: it is required"),
        (b'{"name": "a b", "host": "10.0.1.5"}', 422, "name: use 1 to 63 of a-z"),
        (b"[" + b" " * 2**20, 413, "a body may have 1 MiB"),
    ],
    ids=["latin1", "deep", "empty", "list", "number", "truth", "missing", "name", "large"],
)
def test_a_body_that_cannot_be_taken_is_told_in_words(served: Any, body: bytes, wanted: int, words: str) -> None:
    """Regression: the first two were answered as faults of the server, and an empty one with `data: 'data'`."""
    answer = served.client.post("/api/services", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == wanted, answer.text
    assert words in answer.json()["error"]


@pytest.mark.parametrize("name", ["desk", "caller", "request", "anything"])
def test_a_field_that_nobody_knows_is_refused_whatever_its_name(served: Any, name: str) -> None:
    """Regression: one that has the name of an argument of the code was answered 500."""
    form = {"token": "x", "username": "first", "password": "y", name: 1}
    answer = served.visitor.post("/api/auth/bootstrap", json=form)
    assert (answer.status_code, answer.json()["detail"]) == (422, f"{name}: there is no such field")


def test_a_parameter_that_cannot_be_taken_is_told_in_words(served: Any) -> None:
    for query, words in (("limit=x", "write a whole number"), ("limit=0", "must be at least 1")):
        answer = served.api("GET", f"/api/audit?{query}")
        assert (answer.status_code, answer.json()["error"]) == (422, f"limit: {words}")
        assert answer.json()["field"] == "limit"
    new = {"If-None-Match": "*"}
    for path, body, words in (
        ("/api/resources/service/n", "text", "the body: send a JSON object"),
        ("/api/resources/service/n", None, "the body: it is empty; send a JSON object"),
        ("/api/resources/service/n?dry_run=perhaps", {}, "dry_run: write true or false"),
    ):
        assert served.api("PUT", path, body, headers=new).json()["detail"] == words


def test_other_spellings_of_a_path_have_the_same_verdict(served: Any) -> None:
    paths = ("/api//services", "/api/services/", "//api/services", "/api/%73ervices")
    assert {path: served.visitor.get(served.url + path).status_code for path in paths} == dict.fromkeys(paths, 401)
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
        assert served.api(method, "/api/nothing").status_code == 404


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
    hostile = served.new_upstream("<script src=x>", status=500)
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
