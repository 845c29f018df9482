"""What each field of a route does, as curl sees it through a real Caddy."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from caddy_world import World, certificate, plain

from conduit.resources.route_spec import RouteSpec
from conduit.sandbox.daemon import Daemon
from tests.proxy_world import HASH
from tests.switching import switching_upstream

Upstream = Callable[..., Daemon]


def echoed(text: str) -> Any:
    return json.loads(text.split("\n\n", 1)[1])


def test_requests_reach_the_upstream_with_the_original_host(world: World, upstream: Upstream) -> None:
    world.apply({"wiki": plain(upstream=upstream().address)})
    status, text = world.curl("http://wiki.lan/a/b?c=d")
    assert status == 200
    assert echoed(text)["path"] == "/a/b?c=d"
    assert echoed(text)["headers"]["Host"] == "wiki.lan"


def test_headers_are_set_replaced_and_removed(world: World, upstream: Upstream) -> None:
    route = plain(
        upstream=upstream().address,
        request_headers={"X-Team": "blue", "User-Agent": None, "Host": "inner.lan"},
        response_headers={"X-Frame-Options": "DENY", "Server": None, "Content-Type": "text/x-own"},
    )
    world.apply({"wiki": route})
    text = world.curl("http://wiki.lan/", "-H", "X-Team: red")[1]
    seen = echoed(text)["headers"]
    assert (seen["X-Team"], seen["Host"], "User-Agent" in seen) == ("blue", "inner.lan", False)
    head = text.split("\n\n")[0].lower()
    assert "x-frame-options: deny" in head
    assert "content-type: text/x-own" in head
    assert "server:" not in head


def test_a_password_is_asked_for_and_checked(world: World, upstream: Upstream) -> None:
    world.apply({"wiki": plain(upstream=upstream().address, basic_auth={"alice": HASH})})
    answers = [world.status("http://wiki.lan/", *who) for who in ((), ("-u", "alice:no"), ("-u", "alice:secret"))]
    assert answers == [401, 401, 200]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"deny": ["127.0.0.0/8"]}, 403),
        ({"deny": ["10.0.0.0/8"]}, 200),
        ({"allow": ["127.0.0.1"]}, 200),
        ({"allow": ["10.0.0.0/8"]}, 403),
        ({"allow": ["127.0.0.1"], "deny": ["127.0.0.1"]}, 403),
        ({"allow": ["10.0.0.0/8"], "basic_auth": {"alice": HASH}}, 403),
    ],
    ids=str,
)
def test_addresses_that_are_denied_or_not_allowed_are_403(
    world: World, upstream: Upstream, fields: dict[str, Any], status: int
) -> None:
    world.apply({"wiki": plain(upstream=upstream().address, **fields)})
    assert world.status("http://wiki.lan/") == status
    assert world.status("http://wiki.lan/", "-H", "X-Forwarded-For: 10.1.1.1") == status


def test_a_body_beyond_the_largest_is_413(world: World, upstream: Upstream) -> None:
    world.apply({"wiki": plain(upstream=upstream().address, max_body="1KB")})
    assert world.status("http://wiki.lan/", "-d", "x" * 1000) == 200
    assert world.status("http://wiki.lan/", "-d", "x" * 1001) == 413


@pytest.mark.parametrize(("strip", "seen"), [(True, "/deep?q=1"), (False, "/app/deep?q=1")])
def test_a_path_is_served_alone_and_its_prefix_stripped_if_asked(
    world: World, upstream: Upstream, strip: bool, seen: str
) -> None:
    world.apply({"wiki": plain(upstream=upstream().address, path="/app", strip_prefix=strip)})
    assert echoed(world.curl("http://wiki.lan/app/deep?q=1")[1])["path"] == seen
    assert echoed(world.curl("http://wiki.lan/app")[1])["path"] == ("/" if strip else "/app")
    assert "http.server" not in world.curl("http://wiki.lan/apple")[1]
    assert world.curl("http://wiki.lan/apple")[1].endswith("\n\n")


@pytest.mark.parametrize(
    ("redirect", "location"),
    [
        ({"to": "https://x.lan/y", "status": 301}, "https://x.lan/y"),
        ({"to": "https://x.lan", "status": 308, "keep_path": True}, "https://x.lan/a?b=c"),
        ({"to": "/new", "status": 302}, "/new"),
    ],
)
def test_a_redirect_has_its_status_and_keeps_the_path_if_asked(
    world: World, redirect: dict[str, Any], location: str
) -> None:
    world.apply({"wiki": plain(redirect=redirect)})
    status, text = world.curl("http://wiki.lan/a?b=c")
    assert status == redirect["status"]
    assert f"\nLocation: {location}\n" in text


def test_maintenance_is_a_page_that_says_when_to_come_back(world: World) -> None:
    world.apply({"wiki": plain(maintenance={"message": "<b>back</b> & soon", "retry_after": "2m"})})
    status, text = world.curl("http://wiki.lan/any")
    assert status == 503
    assert "\nRetry-After: 120\n" in text
    assert "&lt;b&gt;back&lt;/b&gt; &amp; soon" in text


def test_weights_share_the_requests(world: World, upstream: Upstream) -> None:
    several = [{"address": upstream("a").address, "weight": 3}, {"address": upstream("b").address, "weight": 1}]
    world.apply({"wiki": plain(upstreams=several)})
    seen = Counter(echoed(world.curl("http://wiki.lan/")[1])["name"] for _ in range(16))
    assert seen == {"a": 12, "b": 4}


def test_a_dead_upstream_costs_no_request(world: World, upstream: Upstream) -> None:
    several = [{"address": "127.0.0.1:1"}, {"address": upstream("b").address}]
    world.apply({"wiki": plain(upstreams=several)})
    assert [world.status("http://wiki.lan/") for _ in range(6)] == [200] * 6


def test_an_unhealthy_upstream_gets_no_requests(world: World, upstream: Upstream, wait_for: Callable[..., Any]) -> None:
    several = [{"address": upstream("sick", status=500).address}, {"address": upstream("well").address}]
    health = {"path": "/ok", "interval": "100ms", "timeout": "1s", "status": "2xx"}
    world.apply({"wiki": plain(upstreams=several, health=health)})

    def only_well() -> bool:
        return all(world.status("http://wiki.lan/") == 200 for _ in range(8))

    assert wait_for(only_well, "the sick upstream is left out")


def test_a_single_unhealthy_upstream_is_503(world: World, upstream: Upstream, wait_for: Callable[..., Any]) -> None:
    health = {"path": "/status/418", "interval": "100ms", "status": 200}
    world.apply({"wiki": plain(upstream=upstream().address, health=health)})
    assert wait_for(lambda: world.status("http://wiki.lan/") == 503, "the upstream is left out")


def test_an_upstream_that_is_silent_for_too_long_is_504(world: World, upstream: Upstream) -> None:
    address = upstream("slow", hang=True).address
    world.apply({"wiki": plain(upstream=address, timeouts={"connect": "1s", "read": "200ms", "write": "1s"})})
    assert world.status("http://wiki.lan/") == 504


@pytest.fixture
def switching() -> Iterator[str]:
    """An upstream that answers an upgrade."""
    with switching_upstream() as address:
        yield address


def open_websocket(world: World) -> tuple[socket.socket, bytes]:
    host, _, port = world.daemon.section["http"][0].rpartition(":")
    client = socket.create_connection((host, int(port)), timeout=10)
    client.sendall(
        b"GET / HTTP/1.1\r\nHost: wiki.lan\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(1024)
    return client, head


def test_websockets_pass_and_outlive_a_reload(world: World, switching: str) -> None:
    world.apply({"wiki": plain(upstream=switching)})
    client, head = open_websocket(world)
    with client:
        assert head.startswith(b"HTTP/1.1 101")
        world.apply({"other": plain("other.lan")})
        client.sendall(b"still here")
        assert client.recv(1024) == b"still here"


def test_websockets_off_hides_the_upgrade_from_the_upstream(world: World, switching: str) -> None:
    world.apply({"wiki": plain(upstream=switching, websockets=False)})
    client, head = open_websocket(world)
    with client:
        assert head.startswith(b"HTTP/1.1 426")


def test_https_routes_serve_their_own_certificate(world: World, upstream: Upstream, directory: Path) -> None:
    address = upstream().address
    for name in ("a", "b"):
        pair = certificate(directory, name, f"{name}.lan")
        spec = RouteSpec.model_validate(
            {"names": [f"{name}.lan"], "upstreams": [{"address": address}], "certificate": pair}
        )
        world.apply({name: spec})
    assert [world.status(f"https://{name}.lan/") for name in "ab"] == [200, 200]
    assert [world.served(f"{name}.lan") for name in "ab"] == ["a", "b"]
