"""What the Caddy tests share: a site around one private Caddy, and how to look at it from outside."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, ClassVar

from conduit.kind import Kind
from conduit.model import Key, Ref
from conduit.providers.caddy_admin import Admin
from conduit.resources.route_spec import RouteSpec
from tests import proxy_world
from tests.proxy_world import ProxyWorld, kind_of

KIND = kind_of("route")

FOREIGN = {
    "apps": {
        "http": {
            "servers": {
                "theirs": {
                    "listen": ["127.0.0.1:0"],
                    "automatic_https": {"disable": True},
                    "routes": [
                        {
                            "@id": "conduit.route.wiki.http.0.0123456789abcdef",
                            "match": [{"host": ["Old.LAN"], "path": ["/x", "/x/*"]}],
                            "handle": [{"handler": "static_response", "body": "theirs", "status_code": 200}],
                        },
                        {"handle": [{"handler": "static_response", "status_code": "404"}]},
                    ],
                }
            }
        },
        "tls": {"automation": {"policies": [{"subjects": ["x.lan"], "issuers": [{"module": "internal"}]}]}},
        "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
    },
    "logging": {"logs": {"default": {"level": "WARN"}, "theirs": {"include": ["http.log.access.theirs"]}}},
    "storage": {"module": "file_system", "root": "/tmp/nowhere-conduit-test"},
}


def key_of(name: str) -> Key:
    return Key("route", name)


class World(ProxyWorld):
    """One site with one Caddy."""

    proxy: ClassVar[str] = "caddy"
    kind: ClassVar[Kind[Any]] = KIND

    @property
    def admin(self) -> Admin:
        return Admin(self.daemon.section["admin"])

    def config(self) -> Any:
        return json.loads(self.admin.get().body)

    def put(self, config: Any) -> None:
        """Replace Caddy's configuration behind the provider's back."""
        reply = self.admin.post(json.dumps(config).encode(), "")
        assert reply.status == 200, reply.body

    def served(self, host: str) -> str:
        """The common name of the certificate a TLS client gets for a host."""
        listener = self.daemon.section["https"][0]
        argv = ["openssl", "s_client", "-connect", listener, "-servername", host, "-verify_quiet"]
        shown = subprocess.run(argv, capture_output=True, text=True, input="", timeout=20, check=True)
        subject = next(line for line in shown.stdout.splitlines() if line.startswith("subject="))
        return subject.rpartition("=")[2].strip()

    def reloads(self) -> str:
        """What Caddy counts of its last reload and of every write it was asked for."""
        lines = self.admin.get("/metrics").body.decode().splitlines()
        told = ("caddy_config_last_reload_success_timestamp_seconds", "caddy_admin_http_requests_total")
        return "\n".join(line for line in lines if line.startswith(told) and 'method="GET"' not in line)


def certificate(directory: Path, name: str, *hosts: str) -> Ref:
    return proxy_world.certificate(directory, name, hosts, "caddy")


def plain(host: str = "wiki.lan", upstream: str = "127.0.0.1:1", **fields: Any) -> Any:
    """A route over plain HTTP."""
    return proxy_world.plain(RouteSpec, host, upstream, fields)


def servers(config: Any) -> Any:
    """Return the HTTP servers of a configuration."""
    return config["apps"]["http"]["servers"]


def secure(pair: Any, host: str = "wiki.lan", **fields: Any) -> RouteSpec:
    """Return a route over TLS to where nobody listens."""
    return RouteSpec.model_validate(
        {"names": [host], "upstreams": [{"address": "127.0.0.1:1"}], "certificate": pair} | fields
    )
