"""The frame around our routes: settings of our servers, the order of routes, the answer for what nobody declared."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from caddy_world import FOREIGN, World, plain, servers

from conduit.resources.route_spec import RouteSpec
from conduit.sandbox.daemon import Daemon

CLOSED = "apps/http/servers/conduit_http/routes"


def test_our_servers_settings_are_frame_with_their_path(world: World) -> None:
    world.apply({"wiki": plain()})
    config = world.config()
    del servers(config)["conduit_http"]["automatic_https"], servers(config)["conduit_http"]["@id"]
    world.put(config)
    reading = world.read()
    paths = [path for path, *_ in world.provider.explain_frame(reading.frame, world.provider.frame(reading.owned()))]
    assert paths == ["http.mark", "http.automatic_https"]
    after = world.apply({})
    assert after.frame == world.provider.frame(after.owned())


def test_the_handler_that_routes_share_is_frame(world: World, upstream: Callable[..., Daemon]) -> None:
    wiki = plain(upstream=upstream().address)
    world.apply({"wiki": wiki, "slow": plain("slow.lan", timeouts={"read": "9s"})})
    config = world.config()
    del servers(config)["conduit_http"]["named_routes"]
    world.put(config)
    reading = world.read()
    want = world.provider.frame(reading.owned())
    assert [path for path, *_ in world.provider.explain_frame(reading.frame, want)] == ["http.named_routes"]
    assert [world.diff("wiki", wiki), world.status("http://wiki.lan/")] == [None, 500]
    world.apply({"wiki": wiki})
    assert world.status("http://wiki.lan/") == 200
    world.apply({"wiki": None})
    assert "named_routes" not in servers(world.config())["conduit_http"]


def test_a_route_whose_handlers_were_emptied_by_hand_is_healed(world: World) -> None:
    """Regression: the frame looked for the shared handler in a list that was none."""
    world.apply({"wiki": plain()})
    config = world.config()
    servers(config)["conduit_http"]["routes"][0]["handle"] = None
    world.put(config)
    assert "named_routes" not in world.provider.frame(world.read().owned())["http"]
    assert world.diff("wiki", plain())
    after = world.apply({"wiki": plain()})
    assert (world.diff("wiki", plain()), after.frame) == (None, world.provider.frame(after.owned()))


def test_exact_hosts_and_longer_paths_are_asked_first(world: World) -> None:
    def answer(host: str, status: int, path: str = "/") -> RouteSpec:
        return plain(host, path=path, redirect={"to": "https://x.lan", "status": status})

    world.apply({"a": answer("*.lan", 301), "b": answer("b.lan", 302), "c": answer("b.lan", 307, "/deep")})
    got = [
        world.status(url) for url in ("http://x.lan/", "http://b.lan/", "http://b.lan/deep/er", "http://b.lan/deeper")
    ]
    assert got == [301, 302, 307, 302]


def test_a_hand_made_disorder_is_a_frame_difference(world: World) -> None:
    world.apply({"a": plain("*.lan"), "b": plain("b.lan")})
    config = world.config()
    b, a, last = servers(config)["conduit_http"]["routes"]
    servers(config)["conduit_http"]["routes"] = [a, b, last]
    world.put(config)
    reading = world.read()
    assert reading.frame["disorder"] == ["route/b stands behind a less specific route"]
    assert [world.diff("a", plain("*.lan")), world.diff("b", plain("b.lan"))] == [None, None]
    after = world.apply({})
    assert after.frame == world.provider.frame(after.owned())


def test_what_nobody_declared_is_404_and_what_stands_behind_that_is_told(world: World) -> None:
    world.put(world.config() | FOREIGN)
    world.apply({"wiki": plain(path="/wiki", redirect={"to": "https://ours.lan"})})
    assert [world.status(url) for url in ("http://unknown.lan/", "http://wiki.lan/", "http://wiki.lan/wiki")] == [
        404,
        404,
        302,
    ]
    stranger = {"match": [{"host": ["theirs.lan"]}], "handle": [{"handler": "static_response", "status_code": 418}]}
    config = world.config()
    servers(config)["conduit_http"]["routes"].append(stranger)
    world.put(config)
    reading = world.read()
    ((path, live, _),) = world.provider.explain_frame(reading.frame, world.provider.frame(reading.owned()))
    assert path == "disorder"
    assert live == [f"{CLOSED}/2 stands behind the answer for all that nobody declared"]
    world.apply({"wiki": plain(path="/wiki", redirect={"to": "https://ours.lan"})})
    assert (world.status("http://theirs.lan/"), world.status("http://unknown.lan/")) == (418, 404)
    assert servers(world.config())["theirs"] == FOREIGN["apps"]["http"]["servers"]["theirs"]  # type: ignore[index]


@pytest.mark.parametrize("damage", ["removed", "edited", "in the wrong server"])
def test_a_damaged_last_route_is_a_frame_difference_and_comes_back(world: World, damage: str) -> None:
    world.put(world.config() | FOREIGN)
    world.apply({"wiki": plain()})
    config = world.config()
    last = servers(config)["conduit_http"]["routes"].pop()
    if damage == "edited":
        edited = last | {"handle": [{"handler": "static_response", "status_code": 200}]}
        servers(config)["conduit_http"]["routes"].append(edited)
    elif damage == "in the wrong server":
        servers(config)["theirs"]["routes"].append(last)
    world.put(config)
    reading = world.read()
    ((path, *_),) = world.provider.explain_frame(reading.frame, world.provider.frame(reading.owned()))
    assert path.startswith("http.fallback")
    assert world.diff("wiki", plain()) is None
    after = world.apply({})
    assert after.frame == world.provider.frame(after.owned())
    assert world.status("http://unknown.lan/") == 404
    assert servers(world.config())["theirs"] == FOREIGN["apps"]["http"]["servers"]["theirs"]  # type: ignore[index]
