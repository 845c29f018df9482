"""Which containers and ports of a deployment a domain leads to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from domain_world import SERVICE, parts

from conduit.errors import ConduitError

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
