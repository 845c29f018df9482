"""The repository's own `desired/`: applied for real, seen from outside, and then nothing is left to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conduit.sandbox.site import DEMO_PORTS, DEMO_UPSTREAMS

DESIRED = Path(__file__).parents[2] / "desired"


@pytest.fixture
def proxies() -> tuple[str, ...]:
    return ("caddy", "nginx")


@pytest.fixture
def own_site(docker_site: Any, upstream: Callable[..., Any]) -> Any:
    """The site of the quick start on free ports."""
    site = docker_site
    shutil.copytree(DESIRED, site.desired, dirs_exist_ok=True)
    servers = {name.replace("-", "_"): upstream(name).address for name in DEMO_UPSTREAMS}
    https = site.daemons["caddy"].section["https"][0].rpartition(":")[2]
    site.write("vars.yaml", yaml.safe_dump({"vars": servers | {"https_port": int(https)}}))
    return site


def test_the_manifests_name_the_ports_of_the_sandbox() -> None:
    variables = yaml.safe_load((DESIRED / "vars.yaml").read_text())["vars"]
    servers = {name.replace("-", "_"): f"127.0.0.1:{port}" for name, port in DEMO_UPSTREAMS.items()}
    assert variables == servers | {"https_port": DEMO_PORTS["https"]}


def test_the_site_of_the_quick_start_is_applied_and_answers(own_site: Any) -> None:
    applied = own_site.conduit("apply", "--yes")
    assert applied.code == 0, applied
    again = own_site.conduit("diff", "--detailed-exitcode")
    assert again.code == 0, again
    assert own_site.dig("blog.home.arpa") == ["127.0.0.1"]
    assert own_site.dig("home.arpa", "MX") == ["10 mail.home.arpa."]
    assert own_site.dig("anything.lab.home.arpa") == ["10.20.0.7"]
    assert '"name": "blog' in own_site.curl("https://blog.home.arpa/").stdout
    assert own_site.curl("https://wiki.home.arpa/").stdout.startswith("HTTP/2 401")
    assert '"name": "wiki"' in own_site.curl("https://wiki.home.arpa/", "--user", "demo:sandbox").stdout
    assert '"name": "status"' in own_site.curl("http://status.home.arpa/").stdout
    assert '"name": "metrics"' in own_site.curl("https://metrics.home.arpa/", proxy="nginx").stdout
    assert "served by a container" in own_site.curl("https://notes.home.arpa/").stdout
    assert "location: https://blog.home.arpa" in own_site.curl("https://old-blog.home.arpa/x").stdout
