"""The same YAML on Caddy and nginx: what a visitor sees is the same. Differences that remain are tested as such."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from golden_world import DOMAIN, World, echoed


@pytest.fixture(scope="module")
def declared(upstreams: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Services that pass requests on, each in its own way, or send visitors elsewhere."""
    at = upstreams
    echo = {"upstream": at["a"], "tls": "off"}
    shared = {"domain": "shared-PROXY.example", "tls": "off"}
    services = {
        "plain": echo,
        "named": {"upstream": at["a"], "domain": "Named-PROXY.example.", "aliases": ["alias-PROXY.example"]},
        "secure": {"upstream": at["a"]},
        "only": {"upstream": at["a"], "https_redirect": False},
        "site": {**shared, "upstream": at["a"]},
        "api": {**shared, "upstream": at["b"], "path": "/api", "dns": False},
        "deep": {**shared, "upstream": at["c"], "path": "/api/deep", "dns": False},
        "strip": {**echo, "path": "/app.v1", "strip_prefix": True},
        "moved": {"redirect": {"to": "https://x.example/y", "status": 301}, "tls": "off"},
        "kept": {"redirect": {"to": "https://x.example", "status": 308, "keep_path": True}, "tls": "off"},
        "beside": {"redirect": {"to": "/new", "status": 307}, "tls": "off", "response_headers": {"X-A": "b"}},
        "headers": {
            **echo,
            "request_headers": {"X-Team": "blue; \"so\" \\ 'it' is", "User-Agent": None, "Host": "inner.example"},
            "response_headers": {"X-Policy": "default-src 'self'; a \"b\" \\c", "Content-Type": "text/x-own"},
        },
    }
    return {"services": services}


def test_nothing_is_left_to_do(world: World) -> None:
    assert world.conduit("diff", "--detailed-exitcode").returncode == 0


def test_requests_reach_the_upstream_as_they_were_sent(world: World, proxy: str) -> None:
    answer = world.fetch(proxy, "http://plain/a%2Fb//c/../d?e=%20f")
    seen = echoed(answer.body)
    assert (answer.status, seen["path"]) == (200, "/a%2Fb//c/../d?e=%20f")
    assert seen["headers"]["Host"] == f"plain-{proxy}.{DOMAIN}"
    assert seen["headers"]["X-Forwarded-Proto"] == "http"
    assert seen["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert seen["headers"]["X-Forwarded-Host"] == f"plain-{proxy}.{DOMAIN}"
    assert answer.headers["via"] == f"1.1 {proxy.capitalize() if proxy == 'caddy' else proxy}"


def test_a_visitor_cannot_forge_who_he_is(world: World, proxy: str) -> None:
    forged = ("-H", "X-Forwarded-For: 10.1.1.1", "-H", "X-Forwarded-Proto: https", "-H", "X-Forwarded-Host: evil")
    seen = echoed(world.fetch(proxy, "http://plain/", *forged).body)["headers"]
    assert (seen["X-Forwarded-For"], seen["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
    assert seen["X-Forwarded-Host"] == f"plain-{proxy}.{DOMAIN}"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_every_method_reaches_the_upstream(world: World, proxy: str, method: str) -> None:
    options = ("-I",) if method == "HEAD" else ("-X", method)
    answer = world.fetch(proxy, "http://plain/", *options)
    assert answer.status == 200
    assert method == "HEAD" or echoed(answer.body)["method"] == method


def test_names_and_aliases_are_served_in_any_case(world: World, proxy: str) -> None:
    for host in (f"named-{proxy}.example", f"ALIAS-{proxy}.Example"):
        assert world.ask(proxy, f"https://{host}/").status == 200


def test_a_host_nobody_declared_reaches_no_upstream(world: World, proxy: str) -> None:
    answer = world.ask(proxy, "http://unknown.example/")
    assert (answer.status, "via" in answer.headers) == (404, False)


@pytest.mark.parametrize(
    ("path", "who"),
    [
        ("/", "a"),
        ("/apix", "a"),
        ("/api", "b"),
        ("/API/x", "b"),
        ("/api/deeper", "b"),
        ("/api/deep", "c"),
        ("/api/deep/x", "c"),
        ("/%61pi/x", "b"),
        ("//api/x", "b"),
        ("/x/../api/x", "b"),
        ("/api%2Fx", "b"),
        ("/api/../x", "a"),
    ],
)
def test_the_longest_prefix_wins(world: World, proxy: str, path: str, who: str) -> None:
    assert echoed(world.ask(proxy, f"http://shared-{proxy}.example{path}").body)["name"] == who


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/app.v1", "/"),
        ("/app.v1/", "/"),
        ("/app.v1?q=1", "/?q=1"),
        ("/app.v1/deep?q=1", "/deep?q=1"),
        ("/APP.V1/Deep", "/Deep"),
        ("/app.v1/a%2Fb%20c?d=%2F", "/a%2Fb%20c?d=%2F"),
        ("//app.v1//x", "/x"),
        ("/%61pp.v1/x", "/x"),
        ("/app.v1/x/../y", "/y"),
        ("/app.v1/.well-known/x", "/.well-known/x"),
    ],
)
def test_a_prefix_is_stripped(world: World, proxy: str, path: str, seen: str) -> None:
    assert echoed(world.fetch(proxy, f"http://strip{path}").body)["path"] == seen


@pytest.mark.parametrize("path", ["/app.v10", "/appxv1", "/other", "/"])
def test_outside_the_prefix_nobody_answers(world: World, proxy: str, path: str) -> None:
    answer = world.fetch(proxy, f"http://strip{path}")
    assert (answer.status, "via" in answer.headers) == (404, False)


def test_a_stripped_path_spelled_oddly_twice(world: World, proxy: str) -> None:
    """Differs: an oddly spelled prefix before characters that need an escape is 400 in nginx."""
    assert world.fetch(proxy, "http://strip//app.v1/a%20b").status == {"caddy": 200, "nginx": 400}[proxy]


@pytest.mark.parametrize(
    ("name", "status", "location"),
    [
        ("moved", 301, "https://x.example/y"),
        ("kept", 308, "https://x.example/a%20b?c=d"),
        ("beside", 307, "/new"),
    ],
)
def test_redirects_have_their_status_and_keep_the_path_if_asked(
    world: World, proxy: str, name: str, status: int, location: str
) -> None:
    answer = world.fetch(proxy, f"http://{name}/a%20b?c=d")
    assert (answer.status, answer.headers["location"]) == (status, location)


def test_a_redirect_carries_the_headers_of_its_site(world: World, proxy: str) -> None:
    assert world.fetch(proxy, "http://beside/").headers["x-a"] == "b"


def test_plain_http_is_sent_on_to_https(world: World, proxy: str) -> None:
    answer = world.fetch(proxy, "http://secure/a?b=c")
    port = world.listener(proxy, "https").rpartition(":")[2]
    assert (answer.status, answer.headers["location"]) == (308, f"https://secure-{proxy}.{DOMAIN}:{port}/a?b=c")


def test_without_the_redirect_plain_http_reaches_nothing(world: World, proxy: str) -> None:
    assert world.fetch(proxy, "http://only/").status == 404
    assert world.fetch(proxy, "https://only/").status == 200


def test_a_site_without_tls_is_not_served_over_tls(world: World, proxy: str) -> None:
    assert world.fetch(proxy, "https://plain/", "-k").status == 0


def test_headers_are_set_replaced_and_removed(world: World, proxy: str) -> None:
    answer = world.fetch(proxy, "http://headers/", "-H", "X-Team: red")
    seen = echoed(answer.body)["headers"]
    assert seen["X-Team"] == "blue; \"so\" \\ 'it' is"
    assert ("User-Agent" in seen, seen["Host"]) == (False, "inner.example")
    assert answer.headers["x-policy"] == "default-src 'self'; a \"b\" \\c"
    assert answer.headers["content-type"] == "text/x-own"


def test_the_chain_is_the_internal_cas_and_the_name_is_right(world: World, proxy: str) -> None:
    name = f"secure-{proxy}.{DOMAIN}"
    assert world.fetch(proxy, "https://secure/").status == 200
    assert world.shake_hands(proxy, name)["subjectAltName"] == (("DNS", name),)


def test_an_unknown_name_gets_no_certificate(world: World, proxy: str) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)internal.error|unrecognized.name"):
        world.shake_hands(proxy, "unknown.example")


def test_http2_is_spoken_with_visitors(world: World, proxy: str) -> None:
    answer = world.fetch(proxy, "https://secure/", "--http2")
    assert (answer.version, answer.status) == ("HTTP/2", 200)
    assert echoed(answer.body)["headers"]["Host"] == f"secure-{proxy}.{DOMAIN}"


def test_nothing_in_a_value_is_expanded(world: World, proxy: str) -> None:
    for text in ("$http_authorization", "${hostname}", "{env.HOME}", "{file./etc/hostname}"):
        answer = world.fetch(proxy, "http://plain/", "-H", f"X-A: {text}", "-H", "Authorization: Basic canary")
        assert echoed(answer.body)["headers"]["X-A"] == text


def test_the_same_host_and_path_on_both_proxies_is_a_clash_that_names_both(world: World) -> None:
    clash = world.site.desired / "clash.yaml"
    clash.write_text(
        "services:\n"
        "  one: {upstream: 127.0.0.1:1, proxy: caddy, domain: clash.example}\n"
        "  two: {upstream: 127.0.0.1:1, proxy: nginx, domain: clash.example, dns: false}\n"
    )
    refused = world.conduit("validate")
    clash.unlink()
    assert refused.returncode == 1
    assert "clash.yaml:2" in refused.stderr
    assert "clash.yaml:3" in refused.stderr


@pytest.mark.parametrize("value", ["$http_authorization", "costs $5"])
def test_what_nginx_would_expand_is_refused_at_load(world: World, value: str) -> None:
    wrong = world.site.desired / "wrong.yaml"
    wrong.write_text(f"services:\n  one: {{upstream: 127.0.0.1:1, proxy: nginx, response_headers: {{X-A: {value}}}}}\n")
    refused = world.conduit("validate")
    wrong.unlink()
    assert refused.returncode == 1
    assert "nginx reads as the name of a variable" in refused.stderr
