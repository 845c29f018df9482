"""One tool's world: fresh private daemons with nothing declared, and two upstreams that answer."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from docker import APIClient
from job import DOMAIN, NETWORK, Site, Wish, manifest

from conduit.sandbox import image
from conduit.sandbox.machine import free_port
from conduit.sandbox.site import Sandbox

_HOSTS_READ: Final = re.compile(r": read \S+\.hosts - [1-9]")


class World:
    """A sandbox with the daemons of a site that starts with `with` and is gone after it.

    `description` is a JSON file with all a tool without conduit.yaml must know. dnsmasq knows the hosts file of such a
    tool from its start, so that a SIGHUP is all the tool needs; conduit has to declare that file itself. What was
    started `beside` it ends first. `settings` are laid over those of the site.
    """

    def __init__(self, site: Site, *, knows_hosts: bool, settings: Mapping[str, Any] | None = None) -> None:
        self.site, self.beside = site, ExitStack()
        self.directory = Path(tempfile.mkdtemp(prefix="bench-"))
        self.manifest = self.directory / "desired" / "site.yaml"
        self.description = self.directory / "site.json"
        self.hosts = self.directory / "dnsmasq" / "hosts" / "site.hosts"
        upstreams = {"before": free_port(), "after": free_port()}
        self.upstreams = {name: f"127.0.0.1:{port}" for name, port in upstreams.items()}
        own = {"internal_domain": DOMAIN, **(settings or {})}
        options: dict[str, Any] = {"settings": own, "proxies": site.proxies, "docker": site.docker}
        self.sandbox = Sandbox(self.directory, upstreams=upstreams, **options)
        if knows_hosts:
            self.hosts.parent.mkdir(parents=True)
            self.hosts.touch()
            extra = self.directory / "dnsmasq" / "conf.d" / "bench.conf"
            extra.parent.mkdir()
            extra.write_text(f"addn-hosts={self.hosts}\nlocal=/{DOMAIN}/\n")

    def __enter__(self) -> World:
        self.sandbox.up()
        self.daemons = self.sandbox.daemons
        self.dns: str = self.daemons["dnsmasq"].address
        if self.site.docker:
            image.load(Path(self.socket))
            self.docker = APIClient(base_url=f"unix://{self.socket}", version="auto")
            self.docker.create_network(NETWORK)
        described: dict[str, Any] = {"manifest": str(self.manifest), "domain": DOMAIN}
        described |= {"parts": self.site.parts, "proxy": self.site.proxies[0]}
        for part in self.site.parts:
            described |= _DESCRIPTIONS[part](self)
        self.description.write_text(json.dumps(described))
        return self

    def __exit__(self, *_: object) -> None:
        self.beside.close()
        self.sandbox.down()
        shutil.rmtree(self.directory)

    def listener(self, proxy: str, scheme: str = "http") -> str:
        """Return the address where a proxy takes requests."""
        found: str = self.daemons[proxy].section[scheme][0]
        return found

    @property
    def admin(self) -> str:
        """The unix socket of Caddy's API."""
        found: str = self.daemons["caddy"].section["admin"].removeprefix("unix/")
        return found

    @property
    def socket(self) -> str:
        """The unix socket of Docker's API."""
        found: str = self.daemons["docker"].section["socket"]
        return found

    def declare(self, declared: Wish) -> None:
        """Write the manifest."""
        self.manifest.write_text(manifest(declared))

    def disturbances(self) -> dict[str, int]:
        """Return how often each daemon loaded its configuration so far, dnsmasq started, and a container was started.

        By their own logs; dockerd remembers its last 256 events, more than the whole job has.
        """
        dnsmasq = (self.directory / "dnsmasq" / "dnsmasq.log").read_text()
        loads = {
            "dnsmasq_starts": dnsmasq.count(": started, version"),
            "dnsmasq_loads": len(_HOSTS_READ.findall(dnsmasq)),
        }
        for proxy in self.site.proxies:
            file, words = _LOADED[proxy]
            loads[f"{proxy}_loads"] = (self.directory / proxy / file).read_text().count(words)
        if self.site.docker:
            events = self.docker.events(since=0, until=time.time(), filters={"event": "start"})
            loads["container_starts"] = sum(1 for _ in events)
        return loads


_LOADED: Final = {
    "caddy": ("caddy.log", '"admin endpoint started"'),
    "nginx": ("error.log", "(SIGHUP) received from"),
}
"""In which log a proxy says with which words that it loads its configuration."""


def _dnsmasq(world: World) -> dict[str, Any]:
    return {"hosts_file": str(world.hosts), "dnsmasq_pid": str(world.daemons["dnsmasq"].pid_file)}


def _caddy(world: World) -> dict[str, Any]:
    return {
        "caddy_admin": world.admin,
        "caddy_listen": world.listener("caddy"),
        "caddy_base": json.loads((world.directory / "caddy" / "caddy.json").read_text()),
        "caddy_staged": str(world.directory / "staged.json"),
    }


def _nginx(world: World) -> dict[str, Any]:
    daemon = world.daemons["nginx"]
    sizes = "server_names_hash_max_size 65536;\nserver_names_hash_bucket_size 64;\n"
    return {
        "nginx_file": str(world.directory / "nginx" / "conf.d" / "site.conf"),
        "nginx_frame": f"{sizes}server {{ listen {world.listener('nginx')} default_server; return 404; }}\n",
        "nginx_check": [*daemon.argv, "-t", "-q"],
        "nginx_listen": world.listener("nginx"),
        "nginx_marker": daemon.section["marker"],
        "nginx_pid": str(daemon.pid_file),
    }


def _docker(world: World) -> dict[str, Any]:
    return {"docker_socket": world.socket, "docker_network": NETWORK, "docker_api": f"v{world.docker.api_version}"}


_DESCRIPTIONS: Final = {"caddy": _caddy, "nginx": _nginx, "dnsmasq": _dnsmasq, "docker": _docker}
"""What a tool without conduit.yaml must know of each daemon."""
