"""Upstreams that are slow, sick, dead or several, and sites without one, on Caddy and nginx alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from golden_world import World, echoed, exactly


@pytest.fixture(scope="module")
def declared(upstreams: dict[str, str], switching: str, full: str) -> dict[str, dict[str, Any]]:
    """Services whose upstreams are everything but well, and one that is down on purpose."""
    at = upstreams
    check = {"health": {"path": "/ok", "interval": "100ms"}}
    services = {
        "small": {"upstream": at["a"], "max_body": "1KB"},
        "large": {"upstream": at["a"]},
        "hasty": {"upstream": at["slow"], "timeouts": {"read": "200ms"}},
        "full": {"upstream": full, "timeouts": {"connect": "300ms"}},
        "dead": {"upstream": at["dead"]},
        "down": {"maintenance": {"message": "<b>back</b> & $oon \\o/", "retry_after": "2m"}},
        "weighted": {"upstreams": [{"address": at["a"], "weight": 3}, {"address": at["b"], "weight": 1}]},
        "failing": {"upstreams": [at["dead"], at["b"]]},
        "checked": {"upstreams": [at["sick"], at["b"]], **check},
        "alone": {"upstream": at["sick"], **check},
        "sockets": {"upstream": switching},
        "nosockets": {"upstream": switching, "websockets": False},
    }
    return {"services": {name: {**fields, "tls": "off"} for name, fields in services.items()}}


def test_websockets_pass_in_both_directions(world: World, proxy: str) -> None:
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


def test_maintenance_is_a_page_that_says_when_to_come_back(world: World, proxy: str) -> None:
    answer = world.fetch(proxy, "http://down/any")
    assert (answer.status, answer.headers["retry-after"]) == (503, "120")
    assert (answer.headers["cache-control"], answer.headers["content-type"]) == ("no-store", "text/html; charset=utf-8")
    assert "&lt;b&gt;back&lt;/b&gt; &amp; " in answer.body


def test_weights_share_the_requests(world: World, proxy: str) -> None:
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
