"""How every root is doing, also when some of them hang."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conduit.model import Key
from tests.engine.conftest import World


def test_hanging_upstreams_are_told_and_hide_nobody(world: World, upstream: Callable[..., Any]) -> None:
    echo, hanging = upstream().address, upstream("hanging", hang=True).address
    lines = [f"  s{n}: {{upstream: '{hanging if n % 33 == 1 else echo}', tls: off}}\n" for n in range(100)]
    world.site.write("many.yaml", "services:\n" + "".join(lines))
    assert world.apply(prove=False).exit_code == 0
    found = {each.key: each for each in world.engine().status()}
    hanging_keys = {Key("service", f"s{n}") for n in (1, 34, 67)}
    assert {key for key, each in found.items() if each.health != "up"} == hanging_keys
    assert len(found) == 100


def test_a_stopped_daemon_makes_its_roots_unknown(service: World) -> None:
    service.site.daemons["dnsmasq"].pause()
    (web,) = [each for each in service.engine().status() if each.key == Key("service", "web")]
    service.site.daemons["dnsmasq"].resume()
    assert "dnsmasq does not answer" in web.health


def test_days_left_come_from_the_certificate(service: World) -> None:
    (web,) = [each for each in service.engine().status() if each.key == Key("service", "web")]
    assert web.days_left is not None
    assert 89 < web.days_left <= 90
