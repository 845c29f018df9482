"""What the nginx tests share: a site around one private nginx, and how to look at its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import psutil

from conduit.kind import Kind
from conduit.model import Key, Ref
from conduit.resources.vhost import VhostSpec
from tests import proxy_world
from tests.proxy_world import ProxyWorld, kind_of

KIND = kind_of("vhost")


def key_of(name: str) -> Key:
    return Key("vhost", name)


class World(ProxyWorld):
    """One site with one nginx."""

    proxy: ClassVar[str] = "nginx"
    kind: ClassVar[Kind[Any]] = KIND

    @property
    def conf(self) -> Path:
        return Path(self.daemon.section["conf_file"])

    @property
    def text(self) -> str:
        return self.conf.read_text()

    def frame_diff(self) -> tuple[tuple[str, Any, Any], ...]:
        """How the live frame differs from the one that belongs around the live blocks."""
        reading, provider = self.read(), self.provider
        want = provider.frame(reading.owned())
        return () if reading.frame == want else tuple(provider.explain_frame(reading.frame, want))

    def edit(self, old: str, new: str) -> None:
        """Change our file by hand, as an editor would."""
        text = self.text
        assert old in text
        self.conf.write_text(text.replace(old, new, 1))

    def workers(self) -> list[int]:
        """The processes that answer visitors, as the system has them."""
        return sorted(child.pid for child in psutil.Process(self.daemon.pid).children())

    def footprint(self) -> tuple[Any, ...]:
        """What a no-op must leave alone: the file whole, the process and its workers."""
        found = self.conf.stat()
        return (self.daemon.pid, self.workers(), found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def plain(name: str = "wiki.lan", upstream: str = "127.0.0.1:1", **fields: Any) -> Any:
    """A vhost without TLS; `upstream` counts unless the fields say another answer."""
    return proxy_world.plain(VhostSpec, name, upstream, fields)


def certificate(directory: Path, name: str, *hosts: str) -> Ref:
    return proxy_world.certificate(directory, name, hosts, "nginx")


def secure(pair: Ref, name: str = "wiki.lan", upstream: str = "127.0.0.1:1", **fields: Any) -> Any:
    return plain(name, upstream, **{"tls": True, "certificate": pair} | fields)
