"""What a domain stands for: its service under other names, with its own leaves and those it shares by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from domain_world import BLOG, SERVICE, desired, engine, expanded
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit.claims import CLASH
from conduit.errors import LoadError
from conduit.model import Key, Ref
from conduit.resources.domain_spec import DomainSpec
from conduit.resources.service_spec import ServiceSpec
from conduit.resources.upstream_spec import Upstream

HASH = "$2b$12$" + "a" * 53


def test_the_plainest_domain_is_a_certificate_and_a_route_beside_the_services(directory: Path) -> None:
    found = desired(directory, BLOG + "}\n")
    own = found.children[Key("domain", "blog")]
    assert list(map(str, own)) == ["certificate/blog.example.com", "route/blog.domain"]
    certificate, route = (found.leaves[key].spec for key in own)
    assert certificate.names == ("blog.example.com",)
    assert (route.names, route.upstreams) == (("blog.example.com",), (Upstream(address="10.0.1.5:3000"),))
    assert route.certificate == Ref(Key("certificate", "blog.example.com"), "caddy")


@pytest.mark.parametrize(
    ("domain", "more", "answered"),
    [
        ("blog.example.com", "", False),
        ("blog.example.com", ", dns: true", True),
        ("blog.home.arpa", "", True),
        ("blog.lab.lan", "", True),
        ("blog.home.arpa", ", dns: false", False),
    ],
)
def test_names_of_the_sites_own_domains_get_records(directory: Path, domain: str, more: str, answered: bool) -> None:
    text = f"{SERVICE}domains:\n  blog: {{domain: {domain}, service: wiki{more}}}\n"
    found = desired(directory, text, local_domains=["lab.lan"])
    record = found.leaves.get(Key("dns_record", domain))
    assert (record is not None) == answered
    assert record is None or (record.spec.type, record.spec.value) == ("A", "10.9.9.9")


FIELDS: dict[str, tuple[Any, Any]] = {
    "health": ({"path": "/up"}, {"path": "/other"}),
    "websockets": (False, True),
    "request_headers": ({"X-A": "service"}, {"X-A": "domain"}),
    "response_headers": ({"X-B": None}, {}),
    "basic_auth": ({"ann": HASH}, {"bob": HASH}),
    "allow": (["10.0.0.0/8"], ["192.168.0.0/16"]),
    "deny": (["10.1.0.0/16"], []),
    "max_body": ("1MB", "2MB"),
    "timeouts": ({"read": "1s"}, {"read": "2s"}),
    "maintenance": ({"message": "service"}, {"message": "domain"}),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_domain_is_as_its_service_unless_it_says_otherwise(directory: Path, field: str) -> None:
    def route(**own: Any) -> Any:
        service = {"upstream": "10.0.1.5:80", field: FIELDS[field][0]}
        blog = {"domain": "blog.example.com", "service": "wiki", **own}
        text = yaml.safe_dump({"services": {"wiki": service}, "domains": {"blog": blog}})
        found = desired(directory, text).leaves
        return getattr(found[Key("route", "blog.domain")].spec, field), getattr(found[Key("route", "wiki")].spec, field)

    inherited, of_service = route()
    assert inherited == of_service != ServiceSpec.model_construct().__dict__[field]
    own, of_service = route(**{field: FIELDS[field][1]})
    assert own == getattr(DomainSpec.model_validate({"domain": "a.b", "service": "w", field: FIELDS[field][1]}), field)
    assert own != of_service


def test_a_null_takes_the_services_password_away(directory: Path) -> None:
    locked = SERVICE.rstrip() + f"\n    basic_auth: {{ann: {HASH}}}\n"
    text = locked + "domains:\n  blog: {domain: blog.example.com, service: wiki, basic_auth: null}\n"
    assert desired(directory, text).leaves[Key("route", "blog.domain")].spec.basic_auth is None


def test_path_prefix_tls_and_redirect_are_the_domains_own(directory: Path) -> None:
    below = SERVICE.rstrip() + "\n    path: /app\n    strip_prefix: true\n    tls: off\n"
    route = desired(directory, below + BLOG.removeprefix(SERVICE) + "}\n").leaves[Key("route", "blog.domain")].spec
    assert (route.path, route.strip_prefix, route.tls, route.https_redirect) == ("/", False, True, True)
    own = desired(directory, BLOG + ", path: /docs, strip_prefix: true, tls: off}\n").leaves
    route = own[Key("route", "blog.domain")].spec
    assert (route.path, route.strip_prefix, route.tls, route.certificate) == ("/docs", True, False, None)
    assert Key("certificate", "blog.example.com") not in own


def test_a_service_that_redirects_redirects_under_its_domain_too(directory: Path) -> None:
    text = (
        "services:\n  wiki: {redirect: {to: 'https://new.example.com'}}\n"
        "domains:\n  old: {domain: old.example.com, service: wiki}\n"
    )
    assert desired(directory, text).leaves[Key("route", "old.domain")].spec.redirect.to == "https://new.example.com"


def test_a_domain_may_redirect_by_itself(directory: Path) -> None:
    text = "domains:\n  old: {domain: old.example.com, redirect: {to: 'https://new.example.com', keep_path: true}}\n"
    route = desired(directory, text).leaves[Key("route", "old.domain")].spec
    assert (route.redirect.to, route.upstreams) == ("https://new.example.com", ())


@pytest.mark.parametrize(
    ("proxy", "domain", "tls", "target"),
    [
        ("caddy", "example.com", "internal", "https://example.com:8443"),
        ("nginx", "example.com", "internal", "https://example.com"),
        ("caddy", "www.example.com", "internal", "https://www.example.com:8443"),
        ("caddy", "example.com", "off", "http://example.com:8080"),
    ],
)
def test_www_leads_to_the_domain_and_is_covered(
    directory: Path, proxy: str, domain: str, tls: str, target: str
) -> None:
    both = {"example.com", "www.example.com"}
    text = (
        f"{SERVICE}domains:\n  main: {{domain: {domain}, service: wiki, www: redirect, proxy: {proxy}, tls: {tls}}}\n"
    )
    found = desired(directory, text).leaves
    route = found[Key({"caddy": "route", "nginx": "vhost"}[proxy], "main.www")].spec
    assert route.names == tuple(both - {domain})
    assert (route.redirect.to, route.redirect.status, route.redirect.keep_path) == (target, 308, True)
    if tls == "internal":
        assert set(found[Key("certificate", domain)].spec.names) == both
    else:
        assert Key("certificate", domain) not in found


def test_www_may_answer_as_well(directory: Path) -> None:
    found = desired(directory, BLOG + ", www: both, aliases: [b.example.com]}\n").leaves
    names = ("blog.example.com", "b.example.com", "www.blog.example.com")
    assert found[Key("route", "blog.domain")].spec.names == names
    assert set(found[Key("certificate", "blog.example.com")].spec.names) == set(names)
    assert Key("route", "blog.www") not in found


def test_every_leaf_field_names_the_domains_field_it_comes_from(directory: Path) -> None:
    found = desired(directory, BLOG + ", dns: true, www: redirect, allow: [10.0.0.0/8]}\n")
    for key in found.children[Key("domain", "blog")]:
        leaf = found.leaves[key]
        assert (leaf.parent, str(leaf.source).endswith("site.yaml:6:3")) == (Key("domain", "blog"), True)
        assert set(leaf.from_.values()) <= set(DomainSpec.model_fields)
    route = found.leaves[Key("route", "blog.domain")]
    assert (route.from_["allow"], route.from_["deny"], route.from_["upstreams"]) == ("allow", "service", "service")


hosts = st.sampled_from(["a.example.com", "A.example.com.", "www.b.example.org", "c.home.arpa", "bücher.example"])
domains = st.fixed_dictionaries(
    {"domain": hosts, "service": st.sampled_from(["wiki", "shop"])},
    optional={
        "aliases": st.lists(st.sampled_from(["x.example.com", "y.home.arpa"]), unique=True),
        "path": st.sampled_from(["/", "/docs", "/docs/api"]),
        "www": st.sampled_from(["redirect", "both", "off"]),
        "dns": st.booleans(),
        "tls": st.sampled_from(["internal", "off"]),
        "https_redirect": st.just(True),
        "proxy": st.sampled_from(["caddy", "nginx"]),
        "allow": st.sampled_from([["10.0.0.0/8"], ["127.0.0.1"]]),
        "max_body": st.just("1MB"),
        "maintenance": st.just(True),
    },
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60, deadline=None
)
@given(st.dictionaries(st.sampled_from(["one", "two", "three"]), domains, min_size=1))
def test_valid_domains_expand_into_valid_leaves_or_clash(directory: Path, declared: dict[str, Any]) -> None:
    services = {"wiki": {"upstream": "10.0.1.5:80"}, "shop": {"upstreams": ["10.0.1.6:80", "10.0.1.7:80"]}}
    text = yaml.safe_dump({"services": services, "domains": declared}, allow_unicode=True)
    found, problems = expanded(directory, text)
    assert all(problem.code is CLASH for problem in problems)
    if found is None:
        return
    for name in declared:
        for key in found.children[Key("domain", name)]:
            spec = found.leaves[key].spec
            given = {field: getattr(spec, field) for field in spec.model_fields_set}
            assert type(spec).model_validate(given) == spec
    served = [
        (host, leaf.spec.path.lower())
        for k, leaf in found.leaves.items()
        if k.kind in ("route", "vhost")
        for host in leaf.spec.names
    ]
    assert len(set(served)) == len(served)


FAULTS = """
services:
  headless: {upstream: "10.0.0.1:80", proxy: nginx, request_headers: {Host: null}}
  cheeky: {upstream: "10.0.0.1:80", response_headers: {Server: me}}
  lost: {deployment: nowhere}
domains:
  same: {domain: same.example.com, service: headless}
  again: {domain: again.example.com, service: lost}
  own: {domain: own.example.com, service: headless, request_headers: {Host: ""}}
  moved: {domain: moved.example.com, service: cheeky, proxy: nginx}
"""


def test_what_is_wrong_with_a_service_is_not_told_again_for_its_domains(directory: Path) -> None:
    """Regression: each domain of a broken service told the same, as if it had to be mended there."""
    with pytest.raises(LoadError) as caught:
        desired(directory, FAULTS, docker={})
    assert sorted(problem.summary for problem in caught.value.diagnostics) == [
        "domain/moved: it does not fit its vhost: response_headers: nginx always says Server itself; "
        "it cannot be set or removed",
        "domain/own: it does not fit its vhost: Host: nginx sends no empty header; write null to remove it",
        "service/headless: it does not fit its vhost: request_headers: Host can be changed, not removed",
        "service/lost reaches deployment/nowhere, which is not declared",
    ]


def test_a_host_name_in_doubt_is_told_once_for_a_service_and_its_domains(directory: Path) -> None:
    site = engine(directory, BLOG.replace("10.0.1.5", "nowhere.invalid") + "}\n")
    found = site.load()
    assert [str(warning.code.id) for warning in site.warnings] == ["CND-0322"]
    assert sorted(map(str, found.doubts)) == ["route/blog.domain", "route/wiki"]
