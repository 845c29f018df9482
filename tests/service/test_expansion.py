"""A service's fields reach its leaves, each leaf field tells where it came from, and leaves are always valid."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_world import KINDS, Table, declared, leaves

from conduit.model import Claim, Key, Ref, Secret
from conduit.resources import reach_spec, service_spec, site_leaves
from conduit.resources.upstream_spec import Upstream
from conduit.spec import Ignore, Resource

HASH = "$2b$12$" + "a" * 53


def test_the_plainest_service_gets_a_name_a_certificate_and_a_route() -> None:
    found = leaves(declared(upstream="10.0.1.5:3000"))
    assert list(found) == ["dns_record/wiki", "certificate/wiki", "route/wiki"]
    record, certificate, site = (leaf.spec for leaf in found.values())
    assert (record.name, record.type, record.value) == ("wiki.home.arpa", "A", "10.9.9.9")
    assert (certificate.names, certificate.consumers) == (("wiki.home.arpa",), ("caddy",))
    assert (site.names, site.upstreams) == (("wiki.home.arpa",), (Upstream(address="10.0.1.5:3000"),))
    assert (site.tls, site.certificate) == (True, Ref(Key("certificate", "wiki"), "caddy"))


def test_an_underscore_in_the_name_is_a_hyphen_in_the_host_name() -> None:
    assert leaves(declared("my_wiki", upstream="10.0.1.5:80"))["dns_record/my_wiki"].spec.name == "my-wiki.home.arpa"


def test_the_internal_domain_is_a_setting() -> None:
    found = leaves(declared(upstream="10.0.1.5:80"), Table(internal_domain="site.lan"))
    assert found["route/wiki"].spec.names == ("wiki.site.lan",)


def test_aliases_are_answered_and_served_too() -> None:
    found = leaves(declared(upstream="10.0.1.5:80", domain="Wiki.Example.org.", aliases=["w.example.org", "docs.lan"]))
    names = [leaf.spec.name for key, leaf in found.items() if key.startswith("dns_record/")]
    assert names == ["wiki.example.org", "w.example.org", "docs.lan"]
    assert found["dns_record/wiki-alias-2"].spec.name == "docs.lan"
    assert set(found["certificate/wiki"].spec.names) == set(names)
    assert found["route/wiki"].spec.names == tuple(names)


@pytest.mark.parametrize(("address", "rtype"), [("10.7.7.7", "A"), ("fd00::7", "AAAA")])
def test_the_address_decides_the_record_type(address: str, rtype: str) -> None:
    record = leaves(declared(upstream="10.0.1.5:80", address=address))["dns_record/wiki"].spec
    assert (record.type, record.value) == (rtype, address)
    record = leaves(declared(upstream="10.0.1.5:80"), Table(proxy_address=address))["dns_record/wiki"].spec
    assert (record.type, record.value) == (rtype, address)


def test_without_dns_there_is_no_record_and_without_tls_no_certificate() -> None:
    found = leaves(declared(upstream="10.0.1.5:80", dns=False, tls="off", https_redirect=False))
    assert list(found) == ["route/wiki"]
    assert (found["route/wiki"].spec.tls, found["route/wiki"].spec.certificate) == (False, None)


FIELDS: dict[str, Any] = {
    "path": "/wiki",
    "strip_prefix": True,
    "https_redirect": False,
    "health": {"path": "/up?full=1", "interval": "10s", "timeout": "2s", "status": 204},
    "websockets": False,
    "request_headers": {"x-real-ip": None},
    "response_headers": {"X-Frame-Options": "DENY"},
    "basic_auth": {"ann": HASH, "bob": {"secret": "BOB"}},
    "allow": ["10.0.0.0/8"],
    "deny": ["10.1.0.0/16"],
    "max_body": "10MB",
    "timeouts": {"connect": "2s", "read": "1m"},
    "upstream_tls": {"verify": False},
}


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_reaches_the_route(field: str) -> None:
    fields = {field: FIELDS[field]} | ({"path": "/wiki"} if field == "strip_prefix" else {})
    resource = declared(upstream="10.0.1.5:80", **fields)
    site = leaves(resource)["route/wiki"].spec
    plain = leaves(declared(upstream="10.0.1.5:80"))["route/wiki"].spec
    assert getattr(site, field) == getattr(resource.spec, field) != getattr(plain, field)


def test_a_service_field_is_carried_placed_elsewhere_or_an_upstream() -> None:
    elsewhere = {"upstream", "upstreams", "domain", "aliases", "address", "dns", "tls", "proxy"}
    elsewhere |= set(reach_spec.Reach.model_fields)
    assert frozenset(service_spec.ServiceSpec.model_fields) == site_leaves.CARRIED | elsewhere


@pytest.mark.parametrize("kind", site_leaves.VALID)
def test_the_spec_that_parts_are_copied_from_is_valid(kind: str) -> None:
    made = site_leaves._valid(kind)
    checked = site_leaves._spec_of(kind)(**site_leaves.VALID[kind])
    assert (made, made.model_fields_set) == (checked, checked.model_fields_set)


def test_several_upstreams_keep_their_weights() -> None:
    given = ["10.0.1.5:80", {"address": "10.0.1.6:81", "weight": 3}]
    assert leaves(declared(upstreams=given))["route/wiki"].spec.upstreams == (
        Upstream(address="10.0.1.5:80"),
        Upstream(address="10.0.1.6:81", weight=3),
    )


def test_a_redirect_needs_no_upstream() -> None:
    site = leaves(declared(redirect={"to": "https://example.org/", "status": 301}))["route/wiki"].spec
    assert (site.redirect.to, site.redirect.status, site.upstreams) == ("https://example.org/", 301, ())


@pytest.mark.parametrize("maintenance", [True, {"message": "Back at noon."}])
def test_maintenance_sets_everything_else_aside_but_who_may_come_in(maintenance: Any) -> None:
    fields = FIELDS | {"https_redirect": True, "maintenance": maintenance}
    look = Table()
    site = leaves(declared(upstream="wiki.internal:80", **fields), look)["route/wiki"].spec
    assert site.maintenance is not None
    assert (site.upstreams, site.health, look.asked) == ((), None, [])
    assert (site.allow, set(site.basic_auth)) == (("10.0.0.0/8",), {"ann", "bob"})


def test_maintenance_false_is_no_maintenance() -> None:
    one, other = declared(upstream="10.0.1.5:80", maintenance=False), declared(upstream="10.0.1.5:80")
    assert leaves(one)["route/wiki"].spec == leaves(other)["route/wiki"].spec


def test_leaves_share_the_declaration_of_their_service() -> None:
    needs, ignore = (Key("service", "db"),), (Ignore(path="path", reason="trial"),)
    plain = declared(upstream="10.0.1.5:80")
    resource = Resource(plain.key, plain.spec, plain.source, None, needs, True, ignore)
    for leaf in leaves(resource).values():
        assert (leaf.source, leaf.parent, leaf.needs) == (plain.source, plain.key, needs)
        assert (leaf.protect, leaf.ignore) == (True, ignore)


@pytest.mark.parametrize("fields", [{"upstream": "10.0.1.5:80"}, {"upstreams": ["10.0.1.5:80"], "aliases": ["w.lan"]}])
def test_every_leaf_field_names_the_service_field_it_comes_from(fields: dict[str, Any]) -> None:
    for leaf in leaves(declared(**fields)).values():
        assert set(leaf.from_.values()) <= set(service_spec.ServiceSpec.model_fields)
        given = leaf.spec.model_fields_set if leaf.key.kind != "route" else set(type(leaf.spec).model_fields)
        assert given <= set(leaf.from_), leaf.key
    assert ("upstreams" in fields) == (leaves(declared(**fields))["route/wiki"].from_["upstreams"] == "upstreams")


def test_two_services_of_one_host_and_path_claim_the_same() -> None:
    one = leaves(declared("a", upstream="10.0.1.5:80", domain="x.lan"))["route/a"]
    two = leaves(declared("b", upstream="10.0.1.6:80", domain="X.LAN."))["route/b"]
    claims = [frozenset(KINDS["route"].claims(leaf.spec)) for leaf in (one, two)]
    assert claims[0] == claims[1] == {Claim("route", ("x.lan", "/"))}


simple_fields = st.fixed_dictionaries(
    {"upstream": st.sampled_from(["10.0.1.5:80", "[fd00::1]:8080", "192.168.1.1:65535"])},
    optional={
        "dns": st.booleans(),
        "tls": st.sampled_from(["internal", "off"]),
        "websockets": st.booleans(),
        "max_body": st.sampled_from(["1MB", "512KiB"]),
        "health": st.sampled_from([{}, {"path": "/up", "status": "3xx"}]),
        "request_headers": st.sampled_from([{}, {"X-A": "b"}, {"X-A": None}]),
        "response_headers": st.sampled_from([{}, {"X-A": "b"}]),
        "basic_auth": st.sampled_from([{"ann": HASH}, {"ann": {"secret": "ANN"}}]),
    },
)


@given(simple_fields, st.from_regex(r"[a-z0-9]([a-z0-9_]{0,20}[a-z0-9])?", fullmatch=True))
def test_a_copied_leaf_is_what_validation_makes_of_it(fields: dict[str, Any], name: str) -> None:
    for leaf in leaves(declared(name, **fields)).values():
        part = leaf.spec
        values = {field: v for field in type(part).model_fields if (v := getattr(part, field)) is not None}
        assert type(part).model_validate(values) == part


def test_a_stored_password_stays_a_reference() -> None:
    site = leaves(declared(upstream="10.0.1.5:80", basic_auth={"ann": {"secret": "ANN"}}))["route/wiki"].spec
    assert site.basic_auth == {"ann": Secret("ANN")}


def test_the_proxy_decides_between_a_route_and_a_vhost() -> None:
    found = leaves(declared(upstream="10.0.1.5:3000", proxy="nginx"))
    assert list(found) == ["dns_record/wiki", "certificate/wiki", "vhost/wiki"]
    assert found["certificate/wiki"].spec.consumers == ("nginx",)
    assert found["vhost/wiki"].spec.certificate == Ref(Key("certificate", "wiki"), "nginx")


@pytest.mark.parametrize(
    ("sections", "kind"),
    [({}, "route"), ({"caddy": {}}, "route"), ({"nginx": {}}, "vhost"), ({"caddy": {}, "nginx": {}}, "route")],
    ids=str,
)
def test_the_only_proxy_of_the_settings_is_the_default(sections: dict[str, Any], kind: str) -> None:
    assert f"{kind}/wiki" in leaves(declared(upstream="10.0.1.5:3000"), Table(**sections))


@pytest.mark.parametrize("proxy", ["caddy", "nginx"])
def test_the_names_of_a_vhost_are_in_order_however_it_was_made(proxy: str) -> None:
    fields = {"upstream": "10.0.1.5:3000", "aliases": ["b.example", "a.example"], "proxy": proxy}
    leaf = leaves(declared(**fields))[{"caddy": "route/wiki", "nginx": "vhost/wiki"}[proxy]]
    assert type(leaf.spec).model_validate(leaf.spec.model_dump() | {"certificate": leaf.spec.certificate}) == leaf.spec
