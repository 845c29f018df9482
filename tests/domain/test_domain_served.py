"""A domain from its first line to its removal, on a real dnsmasq and each proxy, judged by dig, curl and openssl."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conduit.sandbox.machine import free_port


@pytest.fixture
def put(site: Any, upstream: Callable[..., Any]) -> Callable[..., Any]:
    """`put(blog={...}, ...)` declares domains before the service `wiki` and applies."""
    address = upstream().address

    def declare(service: dict[str, Any] | None = None, **domains: Any) -> Any:
        tree = {"services": {"wiki": {"upstream": address, **(service or {})}}, "domains": domains}
        site.write("site.yaml", yaml.safe_dump(tree, sort_keys=False))
        return site.conduit("apply", "--yes", "--allow-deletes", "10")

    return declare


BLOG = {"domain": "blog.example.com", "service": "wiki", "dns": True}


def served(site: Any, proxy: str, host: str, path: str = "/") -> int:
    """The status a visitor of a name gets over verified HTTPS; 0 without an answer."""
    status: int = site.page(f"https://{host}{path}", proxy)[0]
    return status


def test_a_domain_lives_moves_is_damaged_healed_and_removed(site: Any, proxy: str, put: Callable[..., Any]) -> None:
    assert put(blog=BLOG).code == 0
    assert site.dig("blog.example.com") == ["127.0.0.1"]
    assert served(site, proxy, "blog.example.com") == 200
    assert site.conduit("diff", "--detailed-exitcode").code == 0

    done = put(blog=BLOG | {"aliases": ["b.example.com"], "www": "redirect"})
    assert done.code == 0, done
    assert site.dig("b.example.com") == site.dig("www.blog.example.com") == ["127.0.0.1"]
    assert served(site, proxy, "b.example.com") == 200
    assert served(site, proxy, "www.blog.example.com") == 308

    damage(site, proxy)
    drifted = site.conduit("diff", "--detailed-exitcode")
    assert (drifted.code, "domain/blog" in drifted.stdout, "DRIFT" in drifted.stdout) == (3, True, True)
    assert site.conduit("apply", "--yes").code == 0
    assert served(site, proxy, "b.example.com") == 200

    assert put().code == 0
    assert site.dig("blog.example.com") == []
    assert served(site, proxy, "blog.example.com") == 0
    assert served(site, proxy, "wiki.home.arpa") == 200


def damage(site: Any, proxy: str) -> None:
    """Take an alias away behind conduit's back."""
    if proxy == "nginx":
        conf = Path(site.daemons["nginx"].section["conf_file"])
        conf.write_text(conf.read_text().replace("server_name b.example.com blog.", "server_name blog."))
    else:
        from conduit.providers.caddy_admin import Admin

        admin = Admin(site.daemons["caddy"].section["admin"])
        config = admin.get().body.replace(b'"b.example.com"', b'"c.example.com"')
        assert admin.post(config, "").status == 200


def test_two_domains_of_one_name_share_it_and_part_again(site: Any, proxy: str, put: Callable[..., Any]) -> None:
    docs = BLOG | {"path": "/docs", "www": "redirect"}
    assert put(blog=BLOG, docs=docs).code == 0
    assert served(site, proxy, "blog.example.com") == served(site, proxy, "blog.example.com", "/docs") == 200
    assert put(docs=docs).code == 0
    assert site.dig("blog.example.com") == ["127.0.0.1"]
    assert served(site, proxy, "blog.example.com", "/docs") == 200
    assert served(site, proxy, "www.blog.example.com", "/docs") == 308
    assert served(site, proxy, "blog.example.com") == 404
    assert site.conduit("diff", "--detailed-exitcode").code == 0


def test_a_target_brings_along_what_it_shares(site: Any, proxy: str, put: Callable[..., Any]) -> None:
    assert put().code == 0
    tree = yaml.safe_load((site.desired / "site.yaml").read_text())
    tree["domains"] = {"blog": BLOG, "docs": BLOG | {"path": "/docs"}}
    site.write("site.yaml", yaml.safe_dump(tree))
    done = site.conduit("apply", "--yes", "--target", "domain/docs")
    assert done.code == 0, done
    assert site.dig("blog.example.com") == ["127.0.0.1"]
    assert served(site, proxy, "blog.example.com", "/docs") == 200
    assert served(site, proxy, "blog.example.com") == 404


def test_a_change_of_the_service_reaches_its_domain(site: Any, proxy: str, put: Callable[..., Any]) -> None:
    assert put(blog=BLOG).code == 0
    done = put({"deny": ["127.0.0.0/8"]}, blog=BLOG)
    assert done.code == 0, done
    assert served(site, proxy, "blog.example.com") == 403


def test_each_name_is_proven(site: Any, proxy: str, put: Callable[..., Any]) -> None:
    assert put(blog=BLOG | {"aliases": ["b.home.arpa"], "www": "redirect"}).code == 0
    shown = json.loads(site.conduit("status", "--json").stdout)
    blog = next(root for root in shown["resources"] if root["address"] == "domain/blog")
    assert blog["health"] == "up"
    for name in ("blog.example.com", "b.home.arpa", "www.blog.example.com"):
        assert any(name in check for check in blog["proof"]["checks"]), blog


def test_a_change_that_breaks_a_domain_is_taken_back(site: Any, proxy: str, put: Callable[..., Any]) -> None:
    assert put(blog=BLOG).code == 0
    done = put({"upstream": f"127.0.0.1:{free_port()}"}, blog=BLOG)
    assert done.code == 4, done
    assert "domain/blog" in done.stdout + done.stderr
    assert served(site, proxy, "blog.example.com") == 200
    assert served(site, proxy, "wiki.home.arpa") == 200


def test_the_plan_names_the_domain_and_its_line(site: Any, proxy: str, put: Callable[..., Any]) -> None:
    assert put(blog=BLOG).code == 0
    text = (site.desired / "site.yaml").read_text()
    site.write("site.yaml", text.replace("dns: true", "dns: true\n    deny: [10.0.0.0/8]"))
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "blog:" in each)
    plan = site.conduit("diff").stdout
    assert f"domain/blog  desired/site.yaml:{line}:3" in plan
    assert "deny" in plan
    assert "1 to change" in plan
