"""How a service reaches a deployment: which container, which port, and what happens while it is stopped."""

from __future__ import annotations

import pytest
from deployment_world import Site, container, place

from conduit.model import Key, Ref
from conduit.resources.deployment_reach import UNREACHED
from conduit.resources.upstream_spec import Upstream

WIKI = """\
deployments:
  wiki:
    compose:
      services:
        web: {image: web, expose: [8080], depends_on: [db]}
        db: {image: db}
"""
STOPPED = ("compose:", "state: stopped\n    compose:")
SITE = """\
services:
  wiki:
    deployment: wiki
"""


def upstream(name: str, port: int) -> Upstream:
    return Upstream(container=Ref(container(name), "address"), port=port)


@pytest.mark.parametrize(("proxy", "kind"), [("caddy", "route"), ("nginx", "vhost")])
def test_a_service_reaches_the_only_exposed_port(site: Site, proxy: str, kind: str) -> None:
    found = site.expand(f"{WIKI}{SITE}    proxy: {proxy}\n")
    assert found[f"{kind}/wiki"].spec.upstreams == (upstream("wiki-web-1", 8080),)
    assert found[f"{kind}/wiki"].from_["upstreams"] == "deployment"


def test_only_what_is_reached_serves_and_joins_conduits_network(site: Site) -> None:
    found = site.expand(WIKI + SITE)
    web, db = found["container/wiki-web-1"], found["container/wiki-db-1"]
    assert (web.spec.serves, db.spec.serves) == ((8080,), ())
    assert Key("network", "conduit") in web.needs
    assert Key("network", "conduit") not in db.needs
    assert found["network/conduit"].spec.ipam.config[0].subnet == "10.213.0.0/20"
    assert "network/conduit" not in site.expand(WIKI)


def test_two_deployments_bring_conduits_network_in_one_same_form(site: Site) -> None:
    other = WIKI.replace("wiki", "blog").removeprefix("deployments:\n")
    found = site.expand(f"{WIKI}{other}{SITE}  blog: {{deployment: blog}}\n")
    assert found["container/blog-web-1"].spec.serves == (8080,)


def test_every_replica_is_an_upstream(site: Site) -> None:
    found = site.expand(WIKI.replace("expose: [8080]", "expose: [8080], deploy: {replicas: 3}") + SITE)
    wanted = tuple(upstream(f"wiki-web-{number}", 8080) for number in (1, 2, 3))
    assert found["route/wiki"].spec.upstreams == wanted


@pytest.mark.parametrize(
    "ports", ['ports: ["9000:8080"]', "expose: [8080/tcp, 53/udp]", 'ports: ["8080"], expose: [8080]']
)
def test_published_ports_count_as_the_container_sees_them(site: Site, ports: str) -> None:
    found = site.expand(WIKI.replace("expose: [8080]", ports) + SITE)
    assert found["route/wiki"].spec.upstreams == (upstream("wiki-web-1", 8080),)


def test_container_and_port_may_be_named(site: Site) -> None:
    found = site.expand(f"{WIKI}{SITE}    container: db\n    container_port: 5432\n")
    assert found["route/wiki"].spec.upstreams == (upstream("wiki-db-1", 5432),)
    assert found["container/wiki-db-1"].spec.serves == (5432,)


def test_several_sites_of_one_container_add_up(site: Site) -> None:
    found = site.expand(f"{WIKI}{SITE}  admin: {{deployment: wiki, container: web, container_port: 9090}}\n")
    assert found["container/wiki-web-1"].spec.serves == (8080, 9090)


@pytest.mark.parametrize(
    ("manifest", "words", "line"),
    [
        (WIKI + SITE.replace("deployment: wiki", "deployment: wikis"), 'did you mean "wiki"', "site.yaml:9"),
        (SITE, "declare it under deployments:", "site.yaml:3"),
        (f"{WIKI}{SITE}    container: wb\n", 'did you mean "web"', "site.yaml:10"),
        (f"{WIKI}{SITE}    container: db\n", "write container_port", "site.yaml:10"),
        (WIKI.replace("expose: [8080], ", "") + SITE, "write container: with one of web, db", "site.yaml:9"),
        (WIKI.replace("[8080]", "[8080, 8443]") + SITE, "write container_port", "site.yaml:9"),
        (WIKI.replace("db}", "db, expose: [5432]}") + SITE, "write container: with one of web, db", "site.yaml:9"),
        (WIKI.replace("expose:", "network_mode: none, expose:") + SITE, "join networks instead", "site.yaml:9"),
        (
            WIKI.replace("expose:", 'network_mode: "service:db", expose:') + SITE,
            "write container: db, whose network it shares",
            "site.yaml:9",
        ),
    ],
)
def test_what_is_not_there_or_not_clear_is_told_where_it_was_asked(
    site: Site, manifest: str, words: str, line: str
) -> None:
    found = site.problem(manifest)
    assert found.code is UNREACHED
    assert words in found.hint
    assert place(found) == line


def test_the_deployment_is_told_as_well(site: Site) -> None:
    found = site.problem(f"{WIKI}{SITE}    container: wb\n")
    assert [(name, source.line) for name, source in found.related] == [("deployment/wiki", 2)]


def test_a_broken_application_is_told_once(site: Site) -> None:
    found = site.problem(WIKI.replace("image: db", "imag: db") + SITE)
    assert "imag" in found.summary


@pytest.mark.parametrize(
    "change", [("compose:", "state: stopped\n    compose:"), ("[8080]", "[8080], deploy: {replicas: 0}")]
)
def test_a_site_of_a_stopped_deployment_says_so(site: Site, change: tuple[str, str]) -> None:
    found = site.expand(WIKI.replace(*change) + SITE)["route/wiki"]
    assert found.spec.upstreams == ()
    assert found.spec.maintenance.message == "wiki is stopped."


def test_a_page_of_maintenance_of_its_own_comes_first(site: Site) -> None:
    manifest = (
        WIKI.replace("compose:", "state: stopped\n    compose:") + SITE + "    maintenance: {message: Back at noon.}\n"
    )
    assert site.expand(manifest)["route/wiki"].spec.maintenance.message == "Back at noon."


@pytest.mark.parametrize("field", ["container: web", "container_port: 8080"])
def test_a_container_without_a_deployment_means_nothing(site: Site, field: str) -> None:
    found = site.problem(f"services:\n  wiki:\n    upstream: 10.0.0.5:80\n    {field}\n")
    assert "means nothing without a deployment" in found.summary


def test_a_deployment_and_an_upstream_exclude_each_other(site: Site) -> None:
    found = site.problem(f"{WIKI}{SITE}    upstream: 10.0.0.5:80\n")
    assert "exactly one of upstream, upstreams, deployment and redirect" in found.summary
