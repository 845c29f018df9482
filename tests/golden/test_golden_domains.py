"""Domains on Caddy and nginx: the same YAML, and what a visitor of each name sees is the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from golden_world import DOMAIN, World, exactly

from tests.proxy_world import HASH


@pytest.fixture(scope="module")
def declared(upstreams: dict[str, str], switching: str) -> dict[str, dict[str, Any]]:
    """Services, and what stands before them."""
    services = {
        "a": {"upstream": upstreams["a"]},
        "b": {"upstream": upstreams["b"], "path": "/inner", "tls": "off"},
        "locked": {"upstream": upstreams["c"], "basic_auth": {"ann": HASH}, "response_headers": {"X-Team": "blue"}},
        "sockets": {"upstream": switching, "tls": "off"},
        "small": {"upstream": upstreams["a"], "max_body": "1KB", "deny": ["10.0.0.0/8"]},
    }
    shop = {"domain": "Shop-PROXY.example."}
    moved = {"to": "https://x.example/y"}
    domains = {
        "main": {**shop, "service": "a-PROXY", "aliases": ["store-PROXY.example"], "www": "redirect"},
        "api": {**shop, "service": "b-PROXY", "path": "/api", "strip_prefix": True},
        "admin": {**shop, "service": "locked-PROXY", "path": "/admin"},
        "old": {"domain": "www.old-PROXY.example", "www": "both", "redirect": moved, "proxy": "PROXY"},
        "bare": {"domain": "www.bare-PROXY.example", "service": "a-PROXY", "www": "redirect", "tls": "off"},
        "open": {"domain": "open-PROXY.example", "service": "locked-PROXY", "basic_auth": None, "tls": "off"},
        "talk": {"domain": "talk-PROXY.home.arpa", "service": "sockets-PROXY", "tls": "off"},
        "tiny": {"domain": "tiny-PROXY.example", "service": "small-PROXY", "max_body": "10B", "tls": "off"},
        "shut": {"domain": "shut-PROXY.example", "service": "a-PROXY", "maintenance": True, "tls": "off"},
        "below": {"domain": "part-PROXY.example", "service": "a-PROXY", "path": "/x", "www": "redirect"},
    }
    return {"services": services, "domains": domains}


def who(world: World, proxy: str, url: str, *options: str) -> str:
    """The name of the upstream that answers."""
    answer = world.ask(proxy, url, *options)
    assert answer.status == 200, answer
    return str(json.loads(answer.body)["name"])


def test_nothing_is_left_to_do(world: World) -> None:
    assert world.conduit("diff", "--detailed-exitcode").returncode == 0


@pytest.mark.parametrize("host", ["shop-PROXY.example", "SHOP-PROXY.Example", "store-PROXY.example"])
def test_each_name_shows_the_service_over_https(world: World, proxy: str, host: str) -> None:
    assert who(world, proxy, f"https://{host.replace('PROXY', proxy)}/") == "a"


@pytest.mark.parametrize(
    ("path", "name"), [("/", "a"), ("/apix", "a"), ("/api", "b"), ("/API/x", "b"), ("//api/x", "b"), ("/x/../api", "b")]
)
def test_paths_of_one_host_lead_to_different_services(world: World, proxy: str, path: str, name: str) -> None:
    assert who(world, proxy, f"https://shop-{proxy}.example{path}") == name


def test_a_prefix_is_stripped(world: World, proxy: str) -> None:
    answer = world.ask(proxy, f"https://shop-{proxy}.example/api/deep?q=1")
    assert json.loads(answer.body)["path"] == "/deep?q=1"


@pytest.mark.parametrize("path", ["/admin", "/ADMIN", "/%61dmin", "//admin/x", "/x/../admin"])
def test_the_services_password_is_asked_for_under_the_domain_too(world: World, proxy: str, path: str) -> None:
    url = f"https://shop-{proxy}.example{path}"
    assert world.ask(proxy, url).status == 401
    assert world.ask(proxy, url, "-u", "ann:secret").headers["x-team"] == "blue"


def test_a_domain_may_drop_the_password(world: World, proxy: str) -> None:
    assert who(world, proxy, f"http://open-{proxy}.example/") == "c"


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://www.shop-PROXY.example/a%20b?c=d", "https://shop-PROXY.example:HTTPS/a%20b?c=d"),
        ("http://bare-PROXY.example/a?c=d", "http://www.bare-PROXY.example:HTTP/a?c=d"),
        ("https://www.part-PROXY.example/x/y", "https://part-PROXY.example:HTTPS/x/y"),
    ],
)
def test_www_leads_to_the_domain(world: World, proxy: str, url: str, location: str) -> None:
    ports = {scheme.upper(): world.listener(proxy, scheme).rpartition(":")[2] for scheme in ("https", "http")}
    for word, text in {"PROXY": proxy, **{f":{name}": f":{port}" for name, port in ports.items()}}.items():
        url, location = url.replace(word, text), location.replace(word, text)
    answer = world.ask(proxy, url)
    assert (answer.status, answer.headers["location"]) == (308, location)


def test_plain_http_is_sent_on_to_https(world: World, proxy: str) -> None:
    port = world.listener(proxy, "https").rpartition(":")[2]
    for host in (f"shop-{proxy}.example", f"store-{proxy}.example", f"www.shop-{proxy}.example"):
        answer = world.ask(proxy, f"http://{host}/a?b")
        assert (answer.status, answer.headers["location"]) == (308, f"https://{host}:{port}/a?b")


def test_a_domain_that_moved(world: World, proxy: str) -> None:
    for host in (f"www.old-{proxy}.example", f"old-{proxy}.example"):
        answer = world.ask(proxy, f"https://{host}/")
        assert (answer.status, answer.headers["location"]) == (302, "https://x.example/y")


def test_all_names_of_a_domain_and_of_those_that_share_it_are_on_one_certificate(world: World, proxy: str) -> None:
    names = {f"shop-{proxy}.example", f"store-{proxy}.example", f"www.shop-{proxy}.example"}
    shown = {host: world.shake_hands(proxy, host) for host in names}
    assert {frozenset(name for _, name in each["subjectAltName"]) for each in shown.values()} == {frozenset(names)}
    assert len({each["serialNumber"] for each in shown.values()}) == 1


def test_outside_the_path_of_a_domain_nobody_answers(world: World, proxy: str) -> None:
    for host in (f"part-{proxy}.example", f"www.part-{proxy}.example"):
        assert world.ask(proxy, f"https://{host}/other").status == 404


def test_limits_denials_and_maintenance(world: World, proxy: str) -> None:
    assert world.ask(proxy, f"http://tiny-{proxy}.example/", "-d", "x" * 10).status == 200
    assert world.ask(proxy, f"http://tiny-{proxy}.example/", "-d", "x" * 11).status == 413
    assert world.ask(proxy, f"http://shut-{proxy}.example/").status == 503
    assert world.fetch(proxy, "https://a/").status == 200


def test_websockets_pass_through_a_domain(world: World, proxy: str) -> None:
    with world.websocket(proxy, "talk") as client:
        assert client.recv(1024).startswith(b"HTTP/1.1 101")
        client.sendall(b"echo")
        assert exactly(client, 4) == b"echo"


def test_http2_is_spoken_with_visitors_of_a_domain(world: World, proxy: str) -> None:
    answer = world.ask(proxy, f"https://shop-{proxy}.example/", "--http2")
    assert (answer.version, answer.status) == ("HTTP/2", 200)


def test_the_service_keeps_its_own_name(world: World, proxy: str) -> None:
    assert who(world, proxy, f"https://a-{proxy}.{DOMAIN}/") == "a"
