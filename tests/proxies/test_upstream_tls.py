"""Upstreams that speak TLS, behind either proxy: the right one answers, and no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conduit.sandbox import caddy, nginx
from conduit.sandbox.daemon import Daemon
from tests.proxies.site_specs import CADDY, NGINX, Proxy
from tests.proxy_world import ProxyWorld, plain
from tests.secure_upstream import INNER, SAID, secure_upstream


@pytest.fixture
def secure(directory: Path) -> Iterator[tuple[str, Path]]:
    """The address of an upstream that speaks TLS as `INNER`, and its certificate, which nobody signed but itself."""
    with secure_upstream(directory) as found:
        yield found


def world_of(proxy: Proxy, daemon: Daemon, state: Path, **options: Any) -> ProxyWorld:
    """Return a site around one private proxy."""
    sort = type("World", (ProxyWorld,), {"proxy": proxy.name, "kind": proxy.kind})
    found: ProxyWorld = sort(daemon, state, options=options)
    return found


@pytest.fixture(params=[CADDY, NGINX], ids=lambda proxy: proxy.name)
def trusting(
    request: pytest.FixtureRequest, directory: Path, private: Callable[..., Daemon], secure: tuple[str, Path]
) -> tuple[Proxy, Callable[[bool], ProxyWorld]]:
    """A proxy, and `start(trusts)`: a site with it on a machine that trusts the upstream's certificate, or does not."""
    proxy: Proxy = request.param

    def start(trusts: bool) -> ProxyWorld:
        trust = str(secure[1]) if trusts else "/etc/ssl/certs/ca-certificates.crt"
        if proxy is NGINX:
            return world_of(proxy, private(nginx.start, directory / "nginx"), directory / "state", trust=trust)
        return world_of(proxy, private(caddy_trusting, directory / "caddy", trust), directory / "state")

    return proxy, start


def caddy_trusting(directory: Path, trust: str) -> Daemon:
    """Start a Caddy on a machine that trusts what is in one file."""
    daemon = caddy.prepare(directory)
    daemon.environment["SSL_CERT_FILE"] = trust
    daemon.start()
    return daemon


@pytest.mark.parametrize(
    ("trusts", "tls", "status"),
    [
        (True, {"name": INNER}, 200),
        (True, {"name": "other.lan"}, 502),
        (False, {"name": INNER}, 502),
        (False, {"verify": False}, 200),
        (False, {"verify": False, "name": "other.lan"}, 200),
    ],
)
def test_an_upstream_is_who_it_should_be(
    trusting: tuple[Proxy, Callable[[bool], ProxyWorld]],
    secure: tuple[str, Path],
    trusts: bool,
    tls: dict[str, Any],
    status: int,
) -> None:
    proxy, start = trusting
    world = start(trusts)
    spec = plain(proxy.spec, "wiki.lan", secure[0], {"upstream_tls": tls})
    world.apply({"wiki": spec})
    found, text = world.curl("http://wiki.lan/")
    assert found == status, text
    assert (SAID in text) == (status == 200)
    assert world.diff("wiki", spec) is None
