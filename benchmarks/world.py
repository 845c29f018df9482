"""One tool's world: a fresh private Caddy and dnsmasq with nothing declared, and two upstreams that answer."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from job import DOMAIN, Services, manifest

from conduit.sandbox.machine import free_port
from conduit.sandbox.site import Sandbox

_HOSTS_READ: Final = re.compile(r": read \S+\.hosts - [1-9]")


class World:
    """A sandbox that starts with `with` and is gone after it.

    `site` is a JSON file with all a tool without conduit.yaml must know. dnsmasq knows the hosts file of such a tool
    from its start, so that a SIGHUP is all the tool needs; conduit has to declare that file itself.
    """

    def __init__(self, *, knows_hosts: bool) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="bench-"))
        self.manifest = self.directory / "desired" / "site.yaml"
        self.site = self.directory / "site.json"
        self.hosts = self.directory / "dnsmasq" / "hosts" / "site.hosts"
        upstreams = {"before": free_port(), "after": free_port()}
        self.upstreams = {name: f"127.0.0.1:{port}" for name, port in upstreams.items()}
        self.sandbox = Sandbox(self.directory, upstreams=upstreams, settings={"internal_domain": DOMAIN})
        if knows_hosts:
            self.hosts.parent.mkdir(parents=True)
            self.hosts.touch()
            extra = self.directory / "dnsmasq" / "conf.d" / "bench.conf"
            extra.parent.mkdir()
            extra.write_text(f"addn-hosts={self.hosts}\nlocal=/{DOMAIN}/\n")

    def __enter__(self) -> World:
        self.sandbox.up()
        daemons = self.sandbox.daemons
        self.admin: str = daemons["caddy"].section["admin"].removeprefix("unix/")
        self.listeners: dict[str, str] = {scheme: daemons["caddy"].section[scheme][0] for scheme in ("http", "https")}
        self.dns: str = daemons["dnsmasq"].address
        self.site.write_text(json.dumps(self._description()))
        return self

    def __exit__(self, *_: object) -> None:
        self.sandbox.down()
        shutil.rmtree(self.directory)

    def _description(self) -> dict[str, Any]:
        return {
            "manifest": str(self.manifest),
            "domain": DOMAIN,
            "admin": self.admin,
            "listen": self.listeners["http"],
            "base": json.loads((self.directory / "caddy" / "caddy.json").read_text()),
            "hosts_file": str(self.hosts),
            "dnsmasq_pid": str(self.sandbox.daemons["dnsmasq"].pid_file),
            "staged": str(self.directory / "staged.json"),
        }

    def declare(self, declared: Services) -> None:
        """Write the manifest."""
        self.manifest.write_text(manifest(declared))

    def disturbances(self) -> dict[str, int]:
        """Return how often each daemon loaded its configuration so far, and dnsmasq started, by their own logs."""
        caddy = (self.directory / "caddy" / "caddy.log").read_text()
        dnsmasq = (self.directory / "dnsmasq" / "dnsmasq.log").read_text()
        return {
            "caddy_loads": caddy.count('"admin endpoint started"'),
            "dnsmasq_starts": dnsmasq.count(": started, version"),
            "dnsmasq_loads": len(_HOSTS_READ.findall(dnsmasq)),
        }
