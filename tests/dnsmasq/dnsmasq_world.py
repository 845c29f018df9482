"""A private dnsmasq with conduit's provider on it, and dig as the outside program that judges."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conduit.kind import Context, Kind
from conduit.model import Key, Live, Native, Reading
from conduit.providers.base import Site
from conduit.providers.dnsmasq import Config, Dnsmasq
from conduit.providers.transaction import Block, transact
from conduit.resources import load_kinds
from conduit.sandbox.daemon import Daemon
from conduit.settings import Settings

A = {"name": "a.home.arpa", "value": "10.0.0.5"}
MOVED_A = {"name": "a.home.arpa", "value": "10.0.0.9"}
TEXT = {"name": "t.home.arpa", "type": "TXT", "value": "one"}


def mark(key: Key, part: str, name: str) -> str:
    """The marks of these tests: keyed, like the real ones."""
    text = f"{key}\0{part}\0{name}"
    return hmac.digest(b"tests", text.encode(), "sha256")[:10].hex()


@dataclass
class World:
    """One dnsmasq and the provider that manages it. `dig` asks it, `apply` brings it to the declared specs."""

    daemon: Daemon
    run: Callable[..., Any]
    settings: Settings
    fail: Callable[[str], None] = lambda point: None
    declared: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def provider(self) -> Dnsmasq:
        """A provider as a new run of conduit would open it."""
        site = Site(mark, lambda text: text, lambda name: name, time.time, lambda point: self.fail(point))
        return Dnsmasq(Config.model_validate(self.daemon.section), self.settings, site)

    @property
    def kind(self) -> Kind[Any]:
        return load_kinds()["dns_record"]

    @property
    def hosts(self) -> Path:
        return Path(self.daemon.section["hosts_file"])

    @property
    def conf(self) -> Path:
        return Path(self.daemon.section["conf_file"])

    @property
    def context(self) -> Context:
        return Context(self.settings, time.time(), mark=mark)

    def native(self, **spec: Any) -> Native:
        """The native form of a spec."""
        return self.kind.render(self.kind.spec(**spec), self.context)

    def wish(self, **specs: dict[str, Any]) -> dict[Key, Native]:
        """The natives of declared specs; `_` in a keyword is `-` in the resource's name."""
        return {Key("dns_record", name.replace("_", "-")): self.native(**spec) for name, spec in specs.items()}

    def apply(self, protected: tuple[str, ...] = (), **specs: dict[str, Any]) -> Reading:
        """Make `specs` the whole of our records."""
        reading = self.provider.read()
        wanted = {key: Block(native, key.name in protected) for key, native in self.wish(**specs).items()}
        gone = {key: None for key in reading.owned() if key not in wanted}
        after, staged = transact(self.provider, reading, wanted | gone)
        assert not staged.quarantined
        return after

    def observed(self) -> dict[str, Any]:
        """Our live records by resource name, as specs."""
        return {live.key.name: self.kind.parse(live.native) for live in self.lives() if live.owned}

    def lives(self) -> tuple[Live, ...]:
        return self.provider.read().objects["dns_record"]

    def dig(self, name: str, rtype: str = "A") -> list[str]:
        """The answers an outside program gets, sorted."""
        return sorted(self._dig(name, rtype, "+short").splitlines())

    def status(self, name: str, rtype: str = "A") -> str:
        """The status an outside program gets: NOERROR, NXDOMAIN, ..."""
        return self._dig(name, rtype, "+noall", "+comments").partition("status: ")[2].partition(",")[0]

    def _dig(self, name: str, rtype: str, *options: str) -> str:
        host, _, port = self.daemon.address.rpartition(":")
        asked = self.run("dig", f"@{host}", "-p", port, "+tries=1", "+time=3", *options, "-t", rtype, "-q", name)
        return str(asked.stdout)

    def footprint(self) -> tuple[Any, ...]:
        """What a no-op must leave alone: both files whole, and the process."""
        stats = [path.stat() for path in (self.hosts, self.conf)]
        return (self.daemon.pid, *((s.st_ino, s.st_mtime_ns, s.st_ctime_ns) for s in stats))


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the provider may catch it."""


@dataclass
class FailAt:
    """A failpoint that raises once."""

    point: str
    error: BaseException
    reached: list[str] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        self.reached.append(point)
        if point == f"dnsmasq.commit.{self.point}" and self.reached.count(point) == 1:
            raise self.error
