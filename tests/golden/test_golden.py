"""The same YAML on Caddy and nginx: what a visitor sees is the same. Differences that remain are tested as such."""

from __future__ import annotations

import json
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from golden_world import DOMAIN, World, exactly

from tests.proxy_world import HASH


@pytest.fixture(scope="module")
def declared(upstreams: dict[str, str], switching: str, full: str) -> dict[str, dict[str, Any]]:
    """Every service of the suite."""
    at = upstreams | {"full": full}
    echo = {"upstream": at["a"], "tls": "off"}
    shared = {"domain": "shared-PROXY.example", "tls": "off"}
    guarded = {"basic_auth": {"ann": HASH}, "allow": ["10.0.0.0/8"]}
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
        "sockets": {"upstream": switching, "tls": "off"},
        "nosockets": {"upstream": switching, "tls": "off", "websockets": False},
        "locked": {**echo, "basic_auth": {"ann": HASH}},
        "banned": {**echo, "deny": ["127.0.0.0/8"]},
        "welcome": {**echo, "allow": ["127.0.0.1"], "deny": ["10.0.0.0/8"]},
        "distant": {**echo, "allow": ["10.0.0.0/8"]},
        "both": {**echo, **guarded},
        "lockedmoved": {"redirect": {"to": "/new"}, "tls": "off", "basic_auth": {"ann": HASH}},
        "lockeddown": {"maintenance": {"message": "Back"}, "tls": "off", "basic_auth": {"ann": HASH}},
        "bannedmoved": {"redirect": {"to": "/new"}, "tls": "off", **guarded},
        "small": {**echo, "max_body": "1KB"},
        "large": echo,
        "hasty": {"upstream": at["slow"], "tls": "off", "timeouts": {"read": "200ms"}},
        "full": {"upstream": at["full"], "tls": "off", "timeouts": {"connect": "300ms"}},
        "dead": {"upstream": at["dead"], "tls": "off"},
        "down": {"maintenance": {"message": "<b>back</b> & $oon \\o/", "retry_after": "2m"}, "tls": "off"},
        "weighted": {
            "upstreams": [{"address": at["a"], "weight": 3}, {"address": at["b"], "weight": 1}],
            "tls": "off",
        },
        "failing": {"upstreams": [at["dead"], at["b"]], "tls": "off"},
        "checked": {
            "upstreams": [at["sick"], at["b"]],
            "tls": "off",
            "health": {"path": "/ok", "interval": "100ms"},
        },
        "alone": {"upstream": at["sick"], "tls": "off", "health": {"path": "/ok", "interval": "100ms"}},
        "many": {
            **echo,
            "aliases": [f"h{number}-PROXY.example" for number in range(150)],
            "basic_auth": {"ann": HASH},
        },
        "open": {**echo, "domain": "part-PROXY.example"},
        "closed": {
            **echo,
            "domain": "part-PROXY.example",
            "path": "/admin",
            "dns": False,
            "basic_auth": {"ann": HASH},
        },
    }
    return {"services": services}


def echoed(body: str) -> Any:
    """What the upstream says it was asked."""
    return json.loads(body)


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
def test_methods(world: World, proxy: str, method: str) -> None:
    options = ("-I",) if method == "HEAD" else ("-X", method)
    assert world.fetch(proxy, "http://plain/", *options).status == 200


def test_hosts(world: World, proxy: str) -> None:
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
def test_redirects(world: World, proxy: str, name: str, status: int, location: str) -> None:
    answer = world.fetch(proxy, f"http://{name}/a%20b?c=d")
    assert (answer.status, answer.headers["location"]) == (status, location)
    assert name != "beside" or answer.headers["x-a"] == "b"


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


def test_websockets_pass(world: World, proxy: str) -> None:
    with world.websocket(proxy, "sockets") as client:
        assert client.recv(1024).startswith(b"HTTP/1.1 101")
        client.sendall(b"echo")
        assert exactly(client, 4) == b"echo"


def test_websockets_outlive_a_reload(world: World, proxy: str, upstreams: dict[str, str]) -> None:
    with world.websocket(proxy, "sockets") as client:
        assert client.recv(1024).startswith(b"HTTP/1.1 101")
        world.put({"services": {f"extra-{proxy}": {"upstream": upstreams["a"], "tls": "off"}}}, "extra")
        client.sendall(b"still here")
        assert exactly(client, 10) == b"still here"


def test_without_websockets_the_upstream_sees_no_upgrade(world: World, proxy: str) -> None:
    with world.websocket(proxy, "nosockets") as client:
        assert client.recv(1024).startswith(b"HTTP/1.1 426")


@pytest.mark.parametrize(
    ("name", "answers"),
    [("locked", [401, 401, 401, 200]), ("lockedmoved", [401, 401, 401, 302]), ("lockeddown", [401, 401, 401, 503])],
)
def test_basic_auth(world: World, proxy: str, name: str, answers: list[int]) -> None:
    users = ((), ("-u", "ann:no"), ("-u", "bob:secret"), ("-u", "ann:secret"))
    found = [world.fetch(proxy, f"http://{name}/", *who) for who in users]
    assert [answer.status for answer in found] == answers
    assert found[0].headers["www-authenticate"] == 'Basic realm="restricted"'


@pytest.mark.parametrize(
    ("name", "status"), [("banned", 403), ("welcome", 200), ("distant", 403), ("both", 403), ("bannedmoved", 403)]
)
def test_allow_and_deny(world: World, proxy: str, name: str, status: int) -> None:
    assert world.fetch(proxy, f"http://{name}/").status == status
    assert world.fetch(proxy, f"http://{name}/", "-H", "X-Forwarded-For: 10.1.1.1").status == status


def test_the_largest_body(world: World, proxy: str) -> None:
    assert world.fetch(proxy, "http://small/", "-d", "x" * 1000).status == 200
    assert world.fetch(proxy, "http://small/", "-d", "x" * 1001).status == 413
    assert world.fetch(proxy, "http://large/", "-d", "x" * 100_000).status == 200


def test_a_silent_upstream_is_504(world: World, proxy: str) -> None:
    assert world.fetch(proxy, "http://hasty/").status == 504


def test_an_upstream_that_does_not_connect_in_time(world: World, proxy: str) -> None:
    """Differs: Caddy counts it as a bad gateway, nginx as a timeout."""
    assert world.fetch(proxy, "http://full/").status == {"caddy": 502, "nginx": 504}[proxy]


def test_a_dead_upstream_is_502(world: World, proxy: str) -> None:
    assert [world.fetch(proxy, "http://dead/").status for _ in range(3)] == [502] * 3


def test_maintenance(world: World, proxy: str) -> None:
    answer = world.fetch(proxy, "http://down/any")
    assert (answer.status, answer.headers["retry-after"]) == (503, "120")
    assert (answer.headers["cache-control"], answer.headers["content-type"]) == ("no-store", "text/html; charset=utf-8")
    assert "&lt;b&gt;back&lt;/b&gt; &amp; " in answer.body


def test_the_chain_is_the_internal_cas_and_the_name_is_right(world: World, proxy: str) -> None:
    name = f"secure-{proxy}.{DOMAIN}"
    assert world.fetch(proxy, "https://secure/").status == 200
    assert world.shake_hands(proxy, name)["subjectAltName"] == (("DNS", name),)


def test_an_unknown_name_gets_no_certificate(world: World, proxy: str) -> None:
    with pytest.raises(ssl.SSLError, match=r"(?i)internal.error|unrecognized.name"):
        world.shake_hands(proxy, "unknown.example")


def test_http2(world: World, proxy: str) -> None:
    answer = world.fetch(proxy, "https://secure/", "--http2")
    assert (answer.version, answer.status) == ("HTTP/2", 200)
    assert echoed(answer.body)["headers"]["Host"] == f"secure-{proxy}.{DOMAIN}"


def test_weights(world: World, proxy: str) -> None:
    names = Counter(echoed(world.fetch(proxy, "http://weighted/").body)["name"] for _ in range(16))
    assert names == {"a": 12, "b": 4}


def test_a_dead_upstream_of_several_costs_no_request(world: World, proxy: str) -> None:
    assert [world.fetch(proxy, "http://failing/").status for _ in range(6)] == [200] * 6


def test_an_upstream_that_fails_its_check_costs_no_request(
    world: World, proxy: str, wait_for: Callable[..., Any]
) -> None:
    def only_well() -> bool:
        return all(world.fetch(proxy, "http://checked/").status == 200 for _ in range(8))

    assert wait_for(only_well, "the sick upstream is left out")


def test_a_single_upstream_that_fails_its_check(world: World, proxy: str, wait_for: Callable[..., Any]) -> None:
    """Differs: Caddy asks the check's path and answers 503 itself; nginx has no other upstream and passes 500 on."""
    expected = {"caddy": 503, "nginx": 500}[proxy]
    assert wait_for(lambda: world.fetch(proxy, "http://alone/").status == expected, "the upstream fails")


@pytest.mark.parametrize("target", ["/", "/ADMIN", "/%61dmin", "//admin", "/x/..;/admin", "/x/../admin", "/admin/./"])
def test_a_protected_site_with_many_hosts_asks_every_time(world: World, proxy: str, target: str) -> None:
    for host in (f"many-{proxy}.{DOMAIN}", f"MANY-{proxy}.{DOMAIN}", f"H149-{proxy}.Example"):
        answer = world.fetch(proxy, f"http://many{target}", "-H", f"Host: {host}")
        assert answer.status == 401


@pytest.mark.parametrize(
    "target",
    ["/admin", "/ADMIN", "/%61dmin", "//admin", "/x/../admin", "/admin/deep", "/Admin%2Fx", "/admin/", "/./admin"],
)
def test_a_protected_path_beside_an_open_one(world: World, proxy: str, target: str) -> None:
    assert world.ask(proxy, f"http://part-{proxy}.example{target}").status == 401
    assert world.ask(proxy, f"http://part-{proxy}.example/free").status == 200


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
