"""What the nginx tests share: a site around one private nginx, and curl as the outside program that judges."""

from __future__ import annotations

import hmac
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from conduit.change import Diff
from conduit.errors import ConduitError, Diagnostic
from conduit.kind import Context
from conduit.model import Key, Live, Native, Ref, Source
from conduit.providers.base import Reading, Site
from conduit.providers.nginx import Config, Nginx
from conduit.providers.secrets import MISSING
from conduit.providers.transaction import Block, Staged, transact
from conduit.resources import load_kinds
from conduit.resources.vhost import VhostSpec
from conduit.sandbox.daemon import Daemon
from conduit.settings import Settings
from conduit.spec import Resource

KIND = load_kinds()["vhost"]


def keyed(*parts: str) -> str:
    """The marks and fingerprints of these tests: keyed, like the real ones."""
    return hmac.digest(b"the key of this site", "\0".join(parts).encode(), "sha256").hex()[:20]


def mark(key: Key, part: str, name: str) -> str:
    return keyed("mark", str(key), part, name)


def key_of(name: str) -> Key:
    return Key("vhost", name)


def plain(name: str = "wiki.lan", upstream: str = "127.0.0.1:1", **fields: Any) -> VhostSpec:
    """A vhost without TLS; `upstream` counts unless the fields say another answer."""
    other = fields.keys() & {"upstreams", "redirect", "maintenance"}
    answer = {} if other else {"upstreams": [{"address": upstream}]}
    return VhostSpec.model_validate({"names": [name], "tls": False} | answer | fields)


@dataclass
class World:
    """One site with one nginx; `failpoint` may be replaced to act in the middle of a commit."""

    daemon: Daemon
    state: Path
    secrets: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    failpoint: Callable[[str], None] = lambda point: None

    @property
    def provider(self) -> Nginx:
        """A provider as a new run of conduit would open it."""
        section = self.daemon.section | self.options
        settings = Settings.model_validate({"state_dir": str(self.state), "nginx": section})
        site = Site(mark, lambda text: keyed("fingerprint", text), self.secret, time.time, lambda p: self.failpoint(p))
        return Nginx(Config.model_validate(section), settings, site)

    def secret(self, name: str) -> str:
        if name not in self.secrets:
            raise ConduitError(Diagnostic(MISSING, f'secret "{name}" is not stored'))
        return self.secrets[name]

    @property
    def conf(self) -> Path:
        return Path(self.daemon.section["conf_file"])

    @property
    def text(self) -> str:
        return self.conf.read_text()

    def read(self) -> Reading:
        return self.provider.read()

    def context(self, reading: Reading | None = None) -> Context:
        provider = self.provider
        return Context(
            provider.settings, 0.0, reading=reading, fingerprint=provider.site.fingerprint, secret=self.secret
        )

    def rendered(self, spec: VhostSpec) -> Native:
        return KIND.render(spec, self.context())

    def apply(self, vhosts: dict[str, VhostSpec | None], reading: Reading | None = None) -> Reading:
        """Commit vhosts (None deletes) the way the engine does; nothing may be quarantined."""
        blocks = {key_of(name): None if spec is None else Block(self.rendered(spec)) for name, spec in vhosts.items()}
        after, staged = transact(self.provider, reading or self.read(), blocks)
        assert not staged.quarantined
        return after

    def transact(self, vhosts: dict[str, VhostSpec | None]) -> Staged[Any]:
        """Commit vhosts and return what was really written."""
        blocks = {key_of(name): None if spec is None else Block(self.rendered(spec)) for name, spec in vhosts.items()}
        return transact(self.provider, self.read(), blocks)[1]

    def diff(self, name: str, spec: VhostSpec) -> Diff | None:
        """How our live vhost differs from a spec; a missing one differs in all."""
        reading = self.read()
        live = next((live for live in reading.ours() if live.key == key_of(name)), None)
        if live is None:
            return Diff(reason="it is not there")
        ctx = self.context(reading)
        resource = Resource(key_of(name), spec, Source("desired/a.yaml", 1))
        return KIND.differs(resource, KIND.render(spec, ctx), live, ctx)

    def frame_diff(self) -> tuple[tuple[str, Any, Any], ...]:
        """How the live frame differs from the one that belongs around the live blocks."""
        reading, provider = self.read(), self.provider
        want = provider.frame(reading.owned())
        return () if reading.frame == want else provider.explain_frame(reading.frame, want)

    def foreign(self) -> list[Live]:
        return [live for live in self.read().objects["vhost"] if not live.owned]

    def edit(self, old: str, new: str) -> None:
        """Change our file by hand, as an editor would."""
        text = self.text
        assert old in text
        self.conf.write_text(text.replace(old, new, 1))

    def curl(self, url: str, *options: str) -> tuple[int, str]:
        """Fetch a URL through nginx; returns the status and the head and body."""
        listener = self.daemon.section[urlsplit(url).scheme][0]
        argv = ["curl", "-si", "--path-as-is", "--max-time", "10", "--connect-to", f"::{listener}", *options, url]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
        return (int(done.stdout.split(" ", 2)[1]) if done.stdout else 0), done.stdout

    def status(self, url: str, *options: str) -> int:
        return self.curl(url, *options)[0]

    def footprint(self) -> tuple[Any, ...]:
        """What a no-op must leave alone: the file whole, the process and its workers."""
        found = self.conf.stat()
        workers = self.provider._daemon.workers()
        return (self.daemon.pid, sorted(workers), found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def certificate(directory: Path, name: str, *hosts: str) -> Ref:
    """Make a self-signed certificate; returns the reference a spec holds once it is issued."""
    path = directory / f"{name}.0123.pem"
    key = directory / f"{name}.key"
    names = ",".join(f"DNS:{host}" for host in hosts or (f"{name}.lan",))
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-keyout", str(key), "-out", str(path), "-days", "2", "-subj", f"/CN={name}"]
    argv += ["-addext", f"subjectAltName={names}"]
    subprocess.run(argv, capture_output=True, check=True, timeout=20)
    return Ref(Key("certificate", name), "nginx", {"certificate": str(path), "key": str(key)})


def secure(pair: Ref, name: str = "wiki.lan", upstream: str = "127.0.0.1:1", **fields: Any) -> VhostSpec:
    return plain(name, upstream, **{"tls": True, "certificate": pair} | fields)
