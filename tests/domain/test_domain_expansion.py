"""What a domain stands for: its service under other names, with its own leaves and those it shares by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from domain_world import SERVICE, desired, expanded, parts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conduit.errors import ConduitError, LoadError
from conduit.expand import CLASH
from conduit.graph import MISSING
from conduit.model import Key, Ref
from conduit.resources.domain_names import TWO_ADDRESSES
from conduit.resources.domain_spec import DomainSpec
from conduit.resources.service_spec import ServiceSpec
from conduit.resources.upstream_spec import Upstream

HASH = "$2b$12$" + "a" * 53
BLOG = SERVICE + "domains:\n  blog: {domain: Blog.Example.com., service: wiki"


def refusal(place: Path, text: str) -> Any:
    """The one problem of a manifest."""
    with pytest.raises(LoadError) as caught:
        desired(place, text)
    (problem,) = caught.value.diagnostics
    return problem


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


TWO = SERVICE + (
    "domains:\n"
    "  blog: {domain: b.home.arpa, service: wiki, aliases: [b.example.com]}\n"
    "  docs: {domain: b.home.arpa, service: wiki, path: /docs, protect: true, www: redirect}\n"
)


def test_domains_of_one_name_share_its_record_and_one_certificate_for_all_their_names(directory: Path) -> None:
    found = desired(directory, TWO)
    certificate, record = (found.leaves[Key(kind, "b.home.arpa")] for kind in ("certificate", "dns_record"))
    assert set(certificate.spec.names) == {"b.home.arpa", "b.example.com", "www.b.home.arpa"}
    for leaf in (certificate, record):
        assert (leaf.parent, leaf.protect, leaf.source.line) == (None, True, 6)
        assert all(leaf.key in found.children[Key("domain", name)] for name in ("blog", "docs"))
    routes = [found.leaves[Key("route", name)].spec for name in ("blog.domain", "docs.domain")]
    assert [route.certificate.key for route in routes] == [certificate.key] * 2
    alone = desired(directory, "\n".join(TWO.splitlines()[:-1]) + "\n").leaves[certificate.key]
    assert (alone.parent, alone.protect) == (Key("domain", "blog"), False)


def test_a_name_that_a_service_answers_keeps_the_services_record(directory: Path) -> None:
    text = SERVICE + "domains:\n  docs: {domain: wiki.home.arpa, service: wiki, path: /docs}\n"
    found = desired(directory, text)
    assert [key.name for key in found.leaves if key.kind == "dns_record"] == ["wiki"]
    assert {key.name for key in found.leaves if key.kind == "route"} == {"wiki", "docs.domain"}


@pytest.mark.parametrize(
    "other",
    [
        "services:\n  there: {upstream: 10.0.1.6:80, address: 10.8.8.8, domain: b.home.arpa, path: /x}\n",
        SERVICE + "domains:\n  there: {domain: b.home.arpa, service: wiki, address: 10.8.8.8, path: /x}\n",
    ],
)
def test_one_name_at_two_addresses_is_an_error_that_names_both(directory: Path, other: str) -> None:
    both = yaml.safe_load(other)
    both.setdefault("services", {})["wiki"] = {"upstream": "10.0.1.5:3000"}
    both.setdefault("domains", {})["blog"] = {"domain": "b.home.arpa", "service": "wiki"}
    with pytest.raises(LoadError) as caught:
        desired(directory, yaml.safe_dump(both, sort_keys=False))
    for problem in caught.value.diagnostics:
        assert problem.code is TWO_ADDRESSES
        assert {"10.8.8.8", "10.9.9.9"} <= set(problem.summary.replace(",", "").split())
        assert "site.yaml:" in problem.hint


@pytest.mark.parametrize(
    "other",
    [
        "services:\n  x: {upstream: 10.0.1.6:80, domain: BLOG.example.com, dns: false}\n",
        "routes:\n  x: {names: [blog.example.com.], tls: false, upstreams: [{address: '10.0.1.6:80'}]}\n",
        "vhosts:\n  x: {names: [blog.example.com], tls: false, upstreams: [{address: '10.0.1.6:80'}]}\n",
        "domains:\n  x: {domain: blog.EXAMPLE.com, redirect: {to: 'https://y.example.com'}}\n",
    ],
)
def test_a_name_in_use_elsewhere_is_an_error_that_names_both_places(directory: Path, other: str) -> None:
    (directory / "desired").mkdir()
    (directory / "desired" / "other.yaml").write_text(other)
    problem = refusal(directory, BLOG + "}\n")
    assert (problem.code, "blog.example.com /" in problem.summary) == (CLASH, True)
    places = f"{problem.source} {problem.hint}"
    assert "other.yaml:2" in places
    assert "site.yaml:6" in places


def test_a_record_of_the_same_name_is_a_clash(directory: Path) -> None:
    text = BLOG + ", dns: true}\ndns_records:\n  x: {name: blog.example.com, value: 10.1.1.1}\n"
    problem = refusal(directory, text)
    assert (problem.code, "domain/blog" in problem.summary + problem.hint) == (CLASH, True)


def test_one_host_in_two_spellings_of_unicode_is_one(directory: Path) -> None:
    text = SERVICE + (
        "domains:\n  one: {domain: Bücher.example, service: wiki}\n"
        "  two: {domain: xn--bcher-kva.example., service: wiki}\n"
    )
    assert refusal(directory, text).code is CLASH


def test_a_service_nobody_declared_is_named_with_the_nearest(directory: Path) -> None:
    problem = refusal(directory, SERVICE + "domains:\n  blog: {domain: b.example.com, service: wikki}\n")
    assert (problem.code, problem.source.line) == (MISSING, 6)
    assert "service/wiki" in problem.hint


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("service: wiki, redirect: {to: 'https://x.example.com'}", "exactly one of"),
        ("aliases: [y.example.com]", "exactly one of"),
        ("service: wiki, aliases: [B.example.com]", "named twice"),
        ("service: wiki, www: both, aliases: [www.b.example.com]", "named twice"),
        ("service: wiki, strip_prefix: true", "strip_prefix needs a path"),
        ("redirect: {to: 'https://x.example.com'}, health: {}", "health means nothing"),
    ],
)
def test_what_makes_no_sense_is_told_at_the_domain(directory: Path, fields: str, words: str) -> None:
    problem = refusal(directory, SERVICE + f"domains:\n  blog: {{domain: b.example.com, {fields}}}\n")
    assert words in problem.summary
    assert problem.source.line == 6


@pytest.mark.parametrize("length", [150, 151])
def test_a_domain_is_at_most_as_long_as_a_file_name_bears(directory: Path, length: int) -> None:
    domain = ".".join(["d" * 60, "e" * 60, "f" * (length - 122)])
    text = SERVICE + f"domains:\n  blog: {{domain: {domain}, service: wiki}}\n"
    if length == 150:
        assert Key("certificate", domain) in desired(directory, text).leaves
    else:
        assert "at most 150" in refusal(directory, text).summary


def test_every_leaf_field_names_the_domains_field_it_comes_from(directory: Path) -> None:
    found = desired(directory, BLOG + ", dns: true, www: redirect, allow: [10.0.0.0/8]}\n")
    for key in found.children[Key("domain", "blog")]:
        leaf = found.leaves[key]
        assert (leaf.parent, str(leaf.source).endswith("site.yaml:6:3")) == (Key("domain", "blog"), True)
        assert set(leaf.from_.values()) <= set(DomainSpec.model_fields)
    route = found.leaves[Key("route", "blog.domain")]
    assert (route.from_["allow"], route.from_["deny"], route.from_["upstreams"]) == ("allow", "service", "service")


DEPLOYMENT = """
deployments:
  shop:
    compose:
      services:
        web: {image: "shop:1", expose: ["8080"], deploy: {replicas: 2}}
        api: {image: "api:1", expose: ["9000", "9001"]}
        db: {image: "db:1"}
"""


def upstream_keys(found: dict[str, Any], route: str) -> list[tuple[str, int]]:
    spec = found[f"route/{route}"].spec
    return [(str(upstream.container.key), upstream.port) for upstream in spec.upstreams]


def test_domains_lead_to_several_ports_of_one_deployment(directory: Path) -> None:
    text = DEPLOYMENT + (
        "domains:\n"
        "  web: {domain: shop.example.com, deployment: shop, container: web}\n"
        "  api: {domain: shop.example.com, deployment: shop, path: /api, container: api, container_port: 9001}\n"
    )
    found = parts(directory, text)
    assert upstream_keys(found, "web.domain") == [("container/shop-web-1", 8080), ("container/shop-web-2", 8080)]
    assert upstream_keys(found, "api.domain") == [("container/shop-api-1", 9001)]
    serves = {leaf.key.name: leaf.spec.serves for leaf in found.values() if leaf.key.kind == "container"}
    assert serves == {"shop-web-1": (8080,), "shop-web-2": (8080,), "shop-api-1": (9001,), "shop-db-1": ()}
    assert found["route/web.domain"].from_["upstreams"] == "deployment"


def test_a_domain_of_a_service_with_a_deployment_leads_there_too(directory: Path) -> None:
    text = DEPLOYMENT + (
        "services:\n  shop: {deployment: shop, container: web}\n"
        "domains:\n  shop: {domain: shop.example.com, service: shop, max_body: 1MB}\n"
    )
    found = parts(directory, text)
    assert upstream_keys(found, "shop.domain") == upstream_keys(found, "shop")


def test_a_stopped_deployment_is_a_page_that_says_so(directory: Path) -> None:
    text = DEPLOYMENT.replace("    compose", "    state: stopped\n    compose")
    text += "domains:\n  shop: {domain: shop.example.com, deployment: shop, container: web}\n"
    route = parts(directory, text)["route/shop.domain"].spec
    assert (route.upstreams, "shop is stopped" in route.maintenance.message) == ((), True)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("deployment: shpo", "shpo, which is not declared"),
        ("deployment: shop, container: wbe", 'no service "wbe"'),
        ("deployment: shop, container: api", "ports 9000, 9001"),
        ("deployment: shop, service: wiki, container: web", "exactly one of"),
        ("service: wiki, container: web", "means nothing without a deployment"),
    ],
)
def test_a_deployment_that_cannot_be_reached_is_told_at_the_domain(directory: Path, fields: str, words: str) -> None:
    text = SERVICE + DEPLOYMENT + f"domains:\n  blog: {{domain: b.example.com, {fields}}}\n"
    with pytest.raises(ConduitError, match=words) as caught:
        parts(directory, text)
    line = len(text.splitlines())
    assert all(problem.source.line == line for problem in caught.value.diagnostics)


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
