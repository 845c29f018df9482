"""The job every tool does: a site of N services, each in every daemon that takes part; then one of them changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import yaml

DOMAIN = "bench.test"
CHANGED = 5
"""The one service of each proxy that changes; its upstreams really run, so that it can be asked for."""

PORTS: Final = 10_000
"""The ports of the upstreams that are never asked come after it; that of conduit's own API is no upstream."""

PREFIX: Final = {"caddy": "svc", "nginx": "web"}
"""What the services of a proxy are called: no name can be served by both."""


APPS: Final = 20
"""How many containers a site has at most."""
IMAGE: Final = "sandbox/busybox:1"
NETWORK: Final = "bench"
"""The network of all containers; it is there before any tool begins."""


class Site(NamedTuple):
    """What a site is made of: N services in each proxy, N DNS records, and, with `docker`, up to `APPS` containers."""

    proxies: tuple[str, ...]
    """The first one serves what names none, and its services have the names."""
    docker: bool = False

    @property
    def parts(self) -> tuple[str, ...]:
        """The daemons that take part."""
        return (*self.proxies, "dnsmasq", *(["docker"] if self.docker else []))


SITES: Final = {
    "proxy-dns": Site(("caddy",)),
    "nginx-dns": Site(("nginx",)),
    "proxies": Site(("caddy", "nginx")),
    "full": Site(("caddy", "nginx"), docker=True),
}

Wish = Mapping[str, Mapping[str, Any]]
"""What is declared, as the manifest says it: plural kind, name, fields."""


def wish(site: Site, count: int, upstream: str, *, changed: bool = False, tls: str = "off") -> Wish:
    """Return `count` services, at least five, of each proxy. `upstream` is that of the ones that change.

    The upstreams of the others are never asked. With `changed`, the ones that change have another address too.
    """
    services: dict[str, dict[str, Any]] = {}
    for proxy in site.proxies:
        for number in range(1, count + 1):
            at = upstream if number == CHANGED else f"127.0.0.1:{PORTS + number}"
            if proxy == site.proxies[0]:
                own = {"address": "10.200.0.5" if changed and number == CHANGED else _address(number)}
            else:
                own = {"proxy": proxy, "dns": False}
            services[f"{PREFIX[proxy]}{number}"] = {"upstream": at, **own, "tls": tls}
    return {"services": services} | ({"deployments": _deployments(count, changed=changed)} if site.docker else {})


def _deployments(count: int, *, changed: bool) -> dict[str, Any]:
    """Return the applications, each of one container that waits. One in the changed site has another port."""
    return {
        f"app{number}": _application(f"app{number}", 9000 + number + (20_000 if changed and number == CHANGED else 0))
        for number in range(1, min(count, APPS) + 1)
    }


def _application(name: str, port: int) -> dict[str, Any]:
    app = {
        "image": IMAGE,
        "command": ["sleep", "infinity"],
        "labels": {"bench.app": name, "bench.port": str(port)},
        "environment": {"APP": name, "PORT": str(port)},
        "stop_signal": "SIGKILL",
        "networks": [NETWORK],
    }
    return {"compose": {"services": {"app": app}, "networks": {NETWORK: {"external": True}}}}


def _address(number: int) -> str:
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def manifest(declared: Wish) -> str:
    """Return the manifest all tools read."""
    return yaml.dump(dict(declared), Dumper=yaml.CSafeDumper, sort_keys=False)


def services_of(declared: Wish, proxy: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the services of one proxy."""
    return {name: fields for name, fields in declared["services"].items() if name.startswith(PREFIX[proxy])}


def changing(proxy: str) -> str:
    """Return the name of the service of a proxy that changes."""
    return f"{PREFIX[proxy]}{CHANGED}"


def host(name: str) -> str:
    """Return the host name of a service."""
    return f"{name}.{DOMAIN}"
