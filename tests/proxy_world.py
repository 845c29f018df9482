"""What the tests of either proxy share: a site around one private daemon, and curl, the outside program that judges."""

from __future__ import annotations

import hmac
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from conduit.change import Diff
from conduit.errors import ConduitError, Diagnostic
from conduit.kind import Context, Kind
from conduit.model import Key, Live, Native, Ref, Source
from conduit.providers.base import Reading, Site, open_provider
from conduit.providers.secrets import MISSING
from conduit.providers.transaction import Block, Staged, transact
from conduit.resources import load_kinds
from conduit.resources.route_spec import RouteSpec
from conduit.sandbox.daemon import Daemon
from conduit.settings import Settings
from conduit.spec import Resource

SITE_KEY = b"the key of this site"

HASH = "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"
"""Of the password `secret`."""


def keyed(*parts: str) -> str:
    """The marks and fingerprints of these tests: keyed, like the real ones."""
    return hmac.digest(SITE_KEY, "\0".join(parts).encode(), "sha256").hex()[:20]


def mark(key: Key, part: str, name: str) -> str:
    return keyed("mark", str(key), part, name)


@dataclass
class ProxyWorld:
    """One site with one proxy; `failpoint` may be replaced to act in the middle of a commit."""

    daemon: Daemon
    state: Path
    secrets: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    failpoint: Callable[[str], None] = lambda point: None

    proxy: ClassVar[str]
    kind: ClassVar[Kind[Any]]

    @property
    def provider(self) -> Any:
        """A provider as a new run of conduit would open it."""
        section = self.daemon.section | self.options
        settings = Settings.model_validate({"state_dir": str(self.state), self.proxy: section})
        site = Site(mark, lambda text: keyed("fingerprint", text), self.secret, time.time, lambda p: self.failpoint(p))
        return open_provider(self.proxy, settings, site)

    def secret(self, name: str) -> str:
        if name not in self.secrets:
            raise ConduitError(Diagnostic(MISSING, f'secret "{name}" is not stored'))
        return self.secrets[name]

    def key(self, name: str) -> Key:
        return Key(self.kind.name, name)

    def read(self) -> Reading:
        reading: Reading = self.provider.read()
        return reading

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

    def rendered(self, spec: RouteSpec) -> Native:
        return self.kind.render(spec, self.context(self.read()))

    def transact(self, changes: dict[Key, Block | None]) -> Staged[Any]:
        """Commit natives and return what was really written."""
        return transact(self.provider, self.read(), changes)[1]

    def apply(self, specs: dict[str, Any], reading: Reading | None = None) -> Reading:
        """Commit specs (None deletes) the way the engine does; nothing may be quarantined."""
        after, staged = transact(self.provider, reading or self.read(), self.blocks(specs))
        assert not staged.quarantined
        return after

    def blocks(self, specs: dict[str, Any]) -> dict[Key, Block | None]:
        return {self.key(name): None if spec is None else Block(self.rendered(spec)) for name, spec in specs.items()}

    def diff(self, name: str, spec: RouteSpec) -> Diff | None:
        """How our live object differs from a spec; a missing one differs in all."""
        reading = self.read()
        live = next((live for live in reading.ours() if live.key == self.key(name)), None)
        if live is None:
            return Diff(reason="it is not there")
        ctx = self.context(reading)
        resource: Resource[Any] = Resource(self.key(name), spec, Source("desired/a.yaml", 1))
        return self.kind.differs(resource, self.kind.render(spec, ctx), live, ctx)

    def foreign(self) -> list[Live]:
        return [live for live in self.read().objects[self.kind.name] if not live.owned]

    def curl(self, url: str, *options: str) -> tuple[int, str]:
        """Fetch a URL through the proxy: the status (0 without an answer), and the head and body."""
        listener = self.daemon.section[urlsplit(url).scheme][0]
        argv = ["curl", "-sik", "--path-as-is", "--max-time", "10", "--connect-to", f"::{listener}", *options, url]
        text = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False).stdout
        while text.startswith("HTTP/") and text.split()[1] in ("100", "101") and "\n\n" in text:
            text = text.split("\n\n", 1)[1]
        return (int(text.split(" ", 2)[1]) if text else 0), text

    def status(self, url: str, *options: str) -> int:
        return self.curl(url, *options)[0]


def kind_of(name: str) -> Kind[Any]:
    return load_kinds()[name]


def plain(spec: type[RouteSpec], name: str, upstream: str, fields: dict[str, Any]) -> Any:
    """A site without TLS; `upstream` counts unless the fields say another answer."""
    other = fields.keys() & {"upstreams", "redirect", "maintenance"}
    answer = {} if other else {"upstreams": [{"address": upstream}]}
    return spec.model_validate({"names": [name], "tls": False} | answer | fields)


def certificate(directory: Path, name: str, hosts: tuple[str, ...], consumer: str) -> Ref:
    """Make a self-signed certificate and return the resolved reference a spec holds once it is issued."""
    pair = {"certificate": str(directory / f"{name}.crt"), "key": str(directory / f"{name}.key")}
    names = ",".join(f"DNS:{host}" for host in hosts or (f"{name}.lan",))
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    argv += ["-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-keyout", pair["key"]]
    subprocess.run([*argv, "-out", pair["certificate"]], check=True, capture_output=True, timeout=30)
    return Ref(Key("certificate", name), consumer, pair)
