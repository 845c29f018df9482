"""What an upstream may be: literal addresses by rule, names by every address they resolve to."""

from __future__ import annotations

from typing import Any

import pytest
from service_world import Table, declared, leaves

from conduit.errors import ConduitError
from conduit.upstreams import REFUSED_UPSTREAM, UNKNOWN_UPSTREAM, rules_of

SECTIONS: dict[str, Any] = {
    "caddy": {"admin": "10.5.5.5:7019", "http": [":80"], "https": ["10.9.9.9:443"]},
    "dnsmasq": {"address": "10.5.5.6"},
    "other": {"listen": ["0.0.0.0:9999", "[fd00::9]:9999"]},
}
TLS = {"certificate": "/c.pem", "key": "/k.pem"}
LOOPBACK = {"upstreams": {"allow_loopback": True}}


def upstreams_of(look: Table, *given: str) -> list[str]:
    site = leaves(declared(upstreams=list(given)), look)["route/wiki"].spec
    return [upstream.address for upstream in site.upstreams]


def test_a_literal_address_is_never_resolved(look: Table) -> None:
    assert upstreams_of(look, "10.0.1.5:80", "[fd00::5]:80", "8.8.8.8:80") == [
        "10.0.1.5:80",
        "[fd00::5]:80",
        "8.8.8.8:80",
    ]
    assert look.asked == []


def test_a_name_is_rendered_as_its_sorted_addresses() -> None:
    look = Table({"app.internal": ["fd00::5", "10.0.1.9", "10.0.1.10", "10.0.1.9"]})
    assert upstreams_of(look, "app.internal:80") == ["10.0.1.10:80", "10.0.1.9:80", "[fd00::5]:80"]


def test_a_changed_answer_is_a_changed_route() -> None:
    one, two = (Table({"app.internal": [address]}) for address in ("10.0.1.1", "10.0.1.2"))
    assert upstreams_of(one, "app.internal:80") != upstreams_of(two, "app.internal:80")


@pytest.mark.parametrize(
    "answer",
    ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "127.0.0.1", "fd00:ec2::254"],
)
def test_a_name_with_one_refused_address_is_refused_whole(answer: str) -> None:
    look = Table({"app.internal": ["10.0.1.9", answer]})
    with pytest.raises(ConduitError) as caught:
        upstreams_of(look, "app.internal:80")
    (problem,) = caught.value.diagnostics
    assert problem.code is REFUSED_UPSTREAM
    assert problem.summary.startswith("service/wiki upstreams.0: ")
    assert str(problem.source) == "desired/a.yaml:7:3"


def test_a_mapped_answer_becomes_the_address_that_is_connected_to() -> None:
    assert upstreams_of(Table({"app.internal": ["::ffff:10.0.1.9"]}), "app.internal:80") == ["10.0.1.9:80"]


def test_an_unresolvable_name_leaves_its_route_in_doubt_and_is_told_at_the_service(look: Table) -> None:
    found = leaves(declared(upstreams=["10.0.1.5:80", "gone.internal:80"]), look)
    assert list(found) == ["dns_record/wiki", "certificate/wiki", "route/wiki"]
    (key, why), *more = look.doubts.items()
    assert (str(key), why.code, why.severity, more) == ("route/wiki", UNKNOWN_UPSTREAM, "warning", [])
    assert "upstreams.1: gone.internal:80: Name or service not known" in why.summary
    assert str(why.source) == "desired/a.yaml:7:3"


@pytest.mark.parametrize("upstream", ["127.0.0.1:8080", "127.8.8.8:8080", "[::1]:8080", "[64:ff9b::7f00:1]:8080"])
def test_loopback_is_allowed_by_setting_only(upstream: str) -> None:
    with pytest.raises(ConduitError, match="allow_loopback"):
        upstreams_of(Table(), upstream)
    assert upstreams_of(Table(**LOOPBACK), upstream) == [upstream]


@pytest.mark.parametrize(
    "upstream",
    [
        "127.0.0.1:2019",
        "127.0.0.1:2375",
        "[::1]:2376",
        "10.9.9.9:2019",
        "10.5.5.5:7019",
        "10.5.5.6:53",
        "127.0.0.1:80",
        "10.9.9.9:80",
        "10.9.9.9:443",
        "127.0.0.1:9999",
        "[fd00::9]:9999",
    ],
)
def test_conduits_own_ports_are_never_an_upstream(upstream: str) -> None:
    with pytest.raises(ConduitError, match="port of conduit"):
        upstreams_of(Table(**SECTIONS, **LOOPBACK), upstream)


@pytest.mark.parametrize("upstream", ["10.0.1.5:2019", "10.0.1.5:80", "10.5.5.5:80", "127.0.0.1:8080"])
def test_the_same_port_elsewhere_is_free(upstream: str) -> None:
    assert upstreams_of(Table(**SECTIONS, **LOOPBACK), upstream) == [upstream]


def test_a_unix_socket_and_other_values_of_a_section_name_no_port() -> None:
    sections = {"caddy": {"admin": "unix//run/caddy/admin.sock", "http": []}, "certs": None, "dnsmasq": {"address": 5}}
    assert rules_of(Table(**sections).settings).own == {("127.0.0.1", 9999)}, "the API's own"


@pytest.mark.parametrize(
    ("api", "upstream"),
    [({}, "127.0.0.1:9999"), ({"host": "0.0.0.0", "port": 8090, "tls": TLS}, "10.9.9.9:8090")],
)
def test_the_api_is_never_an_upstream(api: dict[str, Any], upstream: str) -> None:
    """Regression: whoever reaches the proxy would have reached it, though it listens on loopback alone."""
    with pytest.raises(ConduitError, match="port of conduit"):
        upstreams_of(Table(api=api, **LOOPBACK), upstream)


def test_a_name_is_resolved_once_in_a_load() -> None:
    from conduit.providers.resolver import Resolver

    look = Table({"app.internal": ["10.0.1.9"]})
    resolver = Resolver(look.resolve)
    assert resolver("app.internal") == resolver("app.internal") == ("10.0.1.9",)
    assert look.asked == ["app.internal"]
