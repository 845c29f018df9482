"""What the Caddy tests share: a site around one private Caddy, and how to look at it from outside."""

from __future__ import annotations

import hmac
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conduit.change import Diff
from conduit.errors import ConduitError, Diagnostic
from conduit.kind import Context
from conduit.model import Key, Live, Native, Ref, Source
from conduit.providers.base import Reading, Site
from conduit.providers.caddy import Caddy, Config
from conduit.providers.caddy_admin import Admin
from conduit.providers.secrets import MISSING
from conduit.providers.transaction import Block, Staged, transact
from conduit.resources import load_kinds
from conduit.resources.route_spec import RouteSpec
from conduit.sandbox.daemon import Daemon
from conduit.settings import Settings
from conduit.spec import Resource

KIND = load_kinds()["route"]
SITE_KEY = b"the key of this site"


def keyed(*parts: str) -> str:
    return hmac.digest(SITE_KEY, "\0".join(parts).encode(), "sha256").hex()[:16]


def key_of(name: str) -> Key:
    return Key("route", name)


@dataclass
class World:
    """One site with one Caddy; `failpoint` may be replaced to act in the middle of a commit."""

    daemon: Daemon
    state: Path
    secrets: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    failpoint: Callable[[str], None] = lambda point: None

    @property
    def provider(self) -> Caddy:
        section = self.daemon.section | self.options
        settings = Settings.model_validate({"state_dir": str(self.state), "caddy": section})
        site = Site(
            mark=lambda key, part, name: keyed("mark", str(key), part, name),
            fingerprint=lambda text: keyed("fingerprint", text),
            secret=self.secret,
            now=time.time,
            fail=self.failpoint,
        )
        return Caddy(Config.model_validate(section), settings, site)

    def secret(self, name: str) -> str:
        if name not in self.secrets:
            raise ConduitError(Diagnostic(MISSING, f'secret "{name}" is not stored'))
        return self.secrets[name]

    def read(self) -> Reading:
        return self.provider.read()

    def context(self, reading: Reading) -> Context:
        provider = self.provider
        return Context(
            provider.settings,
            0.0,
            reading=reading,
            features=reading.features,
            fingerprint=provider.site.fingerprint,
            secret=self.secret,
        )

    def apply(self, routes: dict[str, RouteSpec | None], reading: Reading | None = None) -> Reading:
        """Commit routes (None deletes) the way the engine does."""
        blocks = {key_of(name): None if spec is None else Block(self.rendered(spec)) for name, spec in routes.items()}
        return transact(self.provider, reading or self.read(), blocks)[0]

    def transact(self, changes: dict[Key, Block | None]) -> Staged[Any]:
        """Commit natives and return what was really written."""
        return transact(self.provider, self.read(), changes)[1]

    def rendered(self, spec: RouteSpec) -> Native:
        return KIND.render(spec, self.context(self.read()))

    def diff(self, name: str, spec: RouteSpec) -> Diff | None:
        """How the live route differs from a wish; a missing route is a `Diff` too."""
        reading = self.read()
        ctx = self.context(reading)
        live = next((live for live in reading.objects["route"] if live.owned and live.key.name == name), None)
        if live is None:
            return Diff(reason="missing")
        wish: Resource[Any] = Resource(key_of(name), spec, Source("test"))
        return KIND.same(wish, KIND.render(spec, ctx), live, ctx)

    def foreign(self) -> list[Live]:
        return [live for live in self.read().objects["route"] if not live.owned]

    @property
    def admin(self) -> Admin:
        return Admin(self.daemon.section["admin"])

    def config(self) -> Any:
        return json.loads(self.admin.get().body)

    def put(self, config: Any) -> None:
        """Replace Caddy's configuration behind the provider's back."""
        reply = self.admin.post(json.dumps(config).encode(), "")
        assert reply.status == 200, reply.body

    def curl(self, url: str, *options: str) -> tuple[int, str]:
        """Fetch through this Caddy: the status, and head with body."""
        listener = self.daemon.section[url.partition(":")[0]][0]
        argv = ["curl", "-sSik", "--path-as-is", "--max-time", "10", "--connect-to", f"::{listener}", *options, url]
        text = subprocess.run(argv, capture_output=True, timeout=20, check=True).stdout.decode()
        while text.startswith("HTTP/") and text.split()[1] in ("100", "101") and "\r\n\r\n" in text:
            text = text.split("\r\n\r\n", 1)[1]
        return int(text.split()[1]), text

    def status(self, url: str, *options: str) -> int:
        return self.curl(url, *options)[0]

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
    """Make a self-signed certificate and return the resolved reference to it."""
    pair = {"certificate": str(directory / f"{name}.crt"), "key": str(directory / f"{name}.key")}
    names = ",".join(f"DNS:{host}" for host in hosts)
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    argv += ["-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-keyout", pair["key"]]
    subprocess.run([*argv, "-out", pair["certificate"]], check=True, capture_output=True, timeout=30)
    return Ref(Key("certificate", name), "caddy", pair)


def plain(host: str = "wiki.lan", upstream: str = "127.0.0.1:1", **fields: Any) -> RouteSpec:
    """A route over plain HTTP."""
    answers = {"redirect", "maintenance", "upstreams"}
    if not answers & fields.keys():
        fields["upstreams"] = [{"address": upstream}]
    return RouteSpec.model_validate({"names": [host], "tls": False} | fields)
