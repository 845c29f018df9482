"""Every record type as dig sees it, and what is never forwarded."""

from __future__ import annotations

from dnsmasq_world import World

ALL = {
    "a": {"name": "a.home.arpa", "value": "10.0.0.5"},
    "aaaa": {"name": "a.home.arpa", "type": "AAAA", "value": "fd00::5"},
    "cname": {"name": "alias.home.arpa", "type": "CNAME", "value": "a.home.arpa"},
    "txt": {"name": "_dmarc.home.arpa", "type": "TXT", "value": "v=DMARC1; p=none"},
    "srv": {
        "name": "_ldap._tcp.home.arpa", "type": "SRV", "value": "a.home.arpa", "priority": 1, "weight": 2, "port": 389,
    },
    "mx": {"name": "home.arpa", "type": "MX", "value": "a.home.arpa", "priority": 10},
    "ptr": {"name": "10.0.0.99", "type": "PTR", "value": "printer.home.arpa"},
    "wild": {"name": "*.apps.home.arpa", "value": "10.0.0.7"},
}  # fmt: skip


def test_every_type_is_answered(world: World) -> None:
    world.apply(**ALL)
    assert world.dig("a.home.arpa") == ["10.0.0.5"]
    assert world.dig("a.home.arpa", "AAAA") == ["fd00::5"]
    assert world.dig("alias.home.arpa") == ["10.0.0.5", "a.home.arpa."]
    assert world.dig("_dmarc.home.arpa", "TXT") == ['"v=DMARC1; p=none"']
    assert world.dig("_ldap._tcp.home.arpa", "SRV") == ["1 2 389 a.home.arpa."]
    assert world.dig("home.arpa", "MX") == ["10 a.home.arpa."]
    assert world.dig("99.0.0.10.in-addr.arpa", "PTR") == ["printer.home.arpa."]
    assert world.dig("x.apps.home.arpa") == ["10.0.0.7"]
    assert world.observed() == {name: world.kind.spec(**spec) for name, spec in ALL.items()}
