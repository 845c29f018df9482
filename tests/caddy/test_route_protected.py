"""Protected stays protected: whatever the spelling of a path or host, what is asked for, and who asks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from caddy_world import World, plain

from conduit.sandbox.daemon import Daemon
from tests.proxy_world import HASH

Upstream = Callable[..., Daemon]


@pytest.mark.parametrize("target", ["/", "/ADMIN", "/%61dmin", "//admin", "/x/..;/admin", "/x/../admin", "/admin/./"])
def test_a_protected_site_with_many_hosts_asks_every_time(world: World, upstream: Upstream, target: str) -> None:
    many = [*(f"h{number}.lan" for number in range(150)), "app.lan"]
    world.apply({"app": plain(names=many, upstream=upstream().address, basic_auth={"alice": HASH})})
    for host in ("app.lan", "APP.LAN", "App.lan", "h149.LAN"):
        assert world.status(f"http://app.lan{target}", "-H", f"Host: {host}") == 401


@pytest.mark.parametrize(
    "target", ["/admin", "/ADMIN", "/%61dmin", "//admin", "/x/../admin", "/admin/deep", "/Admin%2Fx"]
)
def test_a_protected_path_beside_an_open_one(world: World, upstream: Upstream, target: str) -> None:
    many = [*(f"h{number}.lan" for number in range(150)), "app.lan"]
    address = upstream().address
    world.apply(
        {
            "open": plain(names=many, upstream=address),
            "admin": plain(names=many, upstream=address, path="/admin", basic_auth={"alice": HASH}),
        }
    )
    assert world.status(f"http://app.lan{target}", "-H", "Host: APP.LAN") == 401
    assert world.status("http://app.lan/free", "-H", "Host: APP.LAN") == 200


def test_no_placeholder_in_what_is_served_is_expanded(world: World, upstream: Upstream, directory: Path) -> None:
    """What upstreams and visitors send is not expanded either: the canary is in Caddy's reach, never in an answer."""
    canary = directory / "canary"
    canary.write_text("CANARY-7f3a")
    inside = f"{{file.{canary}}}"
    world.apply(
        {
            "wiki": plain(upstream=upstream().address, response_headers={"X-A": "b"}),
            "moved": plain("moved.lan", redirect={"to": "https://x.lan", "keep_path": True}),
        }
    )
    asked = [
        world.curl("http://wiki.lan/", "-H", f"X-B: {inside}"),
        world.curl(f"http://moved.lan/{inside}", "--globoff"),
        world.curl(f"http://wiki.lan/?{inside}", "--globoff"),
    ]
    assert all(status in (200, 302) for status, _ in asked)
    assert not any("CANARY" in text for _, text in asked)


def test_a_cross_origin_page_cannot_write_to_the_admin_api(world: World) -> None:
    path = world.daemon.section["admin"].removeprefix("unix/")
    argv = [
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--unix-socket",
        path,
        "-H",
        "Origin: https://evil.lan",
    ]
    argv += ["-X", "POST", "-d", "{}", "http://localhost/load"]
    before = world.config()
    assert subprocess.run(argv, capture_output=True, text=True, timeout=20).stdout == "403"
    assert world.config() == before
