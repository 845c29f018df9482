"""Who may come in, on Caddy and nginx alike: by password, by address, and however a protected path is spelled."""

from __future__ import annotations

from typing import Any

import pytest
from golden_world import DOMAIN, World

from tests.proxy_world import HASH


@pytest.fixture(scope="module")
def declared(upstreams: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Services that ask for a password, look at the visitor's address, or do both."""
    echo = {"upstream": upstreams["a"], "tls": "off"}
    locked = {"basic_auth": {"ann": HASH}}
    guarded = {**locked, "allow": ["10.0.0.0/8"]}
    part = {"domain": "part-PROXY.example"}
    services = {
        "locked": {**echo, **locked},
        "lockedmoved": {"redirect": {"to": "/new"}, "tls": "off", **locked},
        "lockeddown": {"maintenance": {"message": "Back"}, "tls": "off", **locked},
        "banned": {**echo, "deny": ["127.0.0.0/8"]},
        "welcome": {**echo, "allow": ["127.0.0.1"], "deny": ["10.0.0.0/8"]},
        "distant": {**echo, "allow": ["10.0.0.0/8"]},
        "both": {**echo, **guarded},
        "bannedmoved": {"redirect": {"to": "/new"}, "tls": "off", **guarded},
        "many": {**echo, **locked, "aliases": [f"h{number}-PROXY.example" for number in range(150)]},
        "open": {**echo, **part},
        "closed": {**echo, **part, **locked, "path": "/admin", "dns": False},
    }
    return {"services": services}


@pytest.mark.parametrize(
    ("name", "answers"),
    [("locked", [401, 401, 401, 200]), ("lockedmoved", [401, 401, 401, 302]), ("lockeddown", [401, 401, 401, 503])],
)
def test_a_password_is_asked_for_before_anything_else(world: World, proxy: str, name: str, answers: list[int]) -> None:
    users = ((), ("-u", "ann:no"), ("-u", "bob:secret"), ("-u", "ann:secret"))
    found = [world.fetch(proxy, f"http://{name}/", *who) for who in users]
    assert [answer.status for answer in found] == answers
    assert found[0].headers["www-authenticate"] == 'Basic realm="restricted"'


@pytest.mark.parametrize(
    ("name", "status"), [("banned", 403), ("welcome", 200), ("distant", 403), ("both", 403), ("bannedmoved", 403)]
)
def test_addresses_that_are_denied_or_not_allowed_are_403(world: World, proxy: str, name: str, status: int) -> None:
    assert world.fetch(proxy, f"http://{name}/").status == status
    assert world.fetch(proxy, f"http://{name}/", "-H", "X-Forwarded-For: 10.1.1.1").status == status


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
