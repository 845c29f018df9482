"""The sandbox: a whole private site in one directory, with conduit.yaml naming its daemons."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from conduit.errors import Code, Diagnostic
from conduit.sandbox import caddy, dnsmasq, docker, host_docker, image, nginx, upstream
from conduit.sandbox.daemon import RECORD, Daemon
from conduit.sandbox.machine import SandboxError, current_user

FOREIGN = Code(
    "CND-1183",
    "the sandbox's directory is in use",
    "The directory holds a conduit.yaml that the sandbox did not write. The sandbox writes its settings anew at each "
    "start and deletes its directory when it is removed, so it only works in a directory of its own.",
)

DEMO_UPSTREAMS: Final = {"blog": 17_481, "blog-next": 17_482, "wiki": 17_483, "status": 17_484, "metrics": 17_485}
"""The upstreams of the repository's own `desired/`: fixed ports, because `desired/vars.yaml` names them."""

DEMO_PORTS: Final = {"dns": 17_453, "http": 17_480, "https": 17_443, "nginx_http": 17_490, "nginx_https": 17_491}
"""Where the daemons of a checkout's sandbox listen: fixed too, so that its addresses can be written down."""

_HEADER: Final = "# Settings of the sandbox, written anew by `conduit sandbox up`.\n"


@dataclass(frozen=True, slots=True)
class Status:
    """One daemon of the sandbox as it is now; `pid` is None when it does not run."""

    name: str
    address: str
    directory: Path
    pid: int | None


class Sandbox:
    """Proxies, a dnsmasq and upstreams in `directory`, with the settings that make conduit manage them.

    `upstreams` maps names to ports; `proxies` are `caddy`, `nginx` or both. `ports` may fix those named `dns`, `http`
    and `https`, and `nginx_http` and `nginx_https` for nginx; others are chosen free at the first `up` and kept. With
    `docker` there is a dockerd too, which needs root; `host_docker` is the socket of the host's own to use instead.
    `settings` are laid over the settings of the site. Every method finds the daemons by what is recorded in
    `directory`, so a later process can go on where an earlier one stopped.
    """

    def __init__(
        self,
        directory: Path,
        *,
        desired: Path | None = None,
        upstreams: Mapping[str, int] | None = None,
        ports: Mapping[str, int] | None = None,
        settings: Mapping[str, Any] | None = None,
        proxies: Iterable[str] = ("caddy",),
        docker: bool = False,
        host_docker: Path | None = None,
    ) -> None:
        self.directory = directory.absolute()
        self.desired = (desired or directory / "desired").absolute()
        self.upstreams = dict(upstreams or {})
        self.ports = dict(ports or {})
        self.settings = dict(settings or {})
        self.proxies = tuple(proxies)
        self.docker = docker
        self.host_docker = host_docker

    @property
    def settings_file(self) -> Path:
        """The conduit.yaml of the sandbox."""
        return self.directory / "conduit.yaml"

    @property
    def certificates(self) -> Path:
        """Where the internal CA keeps its files; its root is `ca/root.crt`."""
        return self.directory / "certs"

    @property
    def daemons(self) -> dict[str, Daemon]:
        """Every recorded daemon by name, running or not."""
        found = (Daemon.load(path.parent) for path in sorted(self.directory.glob(f"*/{RECORD}")))
        return {daemon.name: daemon for daemon in found}

    def up(self) -> list[Status]:
        """Start whatever does not run and write conduit.yaml; a second call changes nothing.

        Raises `SandboxError` when a daemon does not start (the others stay as they are) or the directory is in use.
        """
        self._refuse_foreign_settings()
        self._make_directories()
        self._forget_unstartable()
        known = self.daemons
        wanted = {name: known.get(name) or prepare() for name, prepare in self._recipes().items()}
        sections = self._sections(wanted)
        self._write_settings(sections)
        for daemon in wanted.values():
            daemon.start()
        if self.host_docker is not None:
            host_docker.bring_image(self.directory, self.host_docker)
        elif "docker" in sections:
            image.load(Path(sections["docker"]["socket"]))
        return self.status()

    def down(self) -> list[Status]:
        """Stop the daemons the sandbox started and nothing else."""
        for daemon in reversed(self.daemons.values()):
            daemon.stop()
        return self.status()

    def status(self) -> list[Status]:
        """Return what every recorded daemon is doing; empty before the first `up`."""
        return [Status(d.name, d.address, d.directory, d.pid) for d in self.daemons.values()]

    def remove(self) -> None:
        """Stop the sandbox and delete its directory; one that is not a sandbox is left alone."""
        self.down()
        if self.settings_file.exists() and self._is_ours():
            host_docker.clear(self.directory)
            shutil.rmtree(self.directory)

    def _is_ours(self) -> bool:
        return self.settings_file.read_text().startswith(_HEADER)

    def _recipes(self) -> dict[str, Callable[[], Daemon]]:
        """How each daemon is prepared when it is not recorded yet."""
        recipes: dict[str, Callable[[], Daemon]] = {
            name: partial(upstream.prepare, self.directory / f"upstream-{name}", name, port=port)
            for name, port in self.upstreams.items()
        }
        port = self.ports.get
        recipes["dnsmasq"] = partial(dnsmasq.prepare, self.directory / "dnsmasq", port=port("dns"))
        proxies: dict[str, Callable[[], Daemon]] = {
            "caddy": partial(caddy.prepare, self.directory / "caddy", http=port("http"), https=port("https")),
            "nginx": partial(
                nginx.prepare, self.directory / "nginx", http=port("nginx_http"), https=port("nginx_https")
            ),
        }
        if self.docker:
            recipes["docker"] = partial(docker.prepare, self.directory / "docker")
        return recipes | {name: proxies[name] for name in self.proxies}

    def _forget_unstartable(self) -> None:
        """A moved checkout or a program that is gone: such daemons are stopped and prepared anew."""
        for daemon in self.daemons.values():
            if not daemon.startable:
                daemon.stop()
                shutil.rmtree(daemon.directory)

    def _make_directories(self) -> None:
        self.desired.mkdir(parents=True, exist_ok=True)
        for name in (".", "state", "keys", "certs", *(f"{proxy}-certs" for proxy in self.proxies)):
            (self.directory / name).mkdir(parents=True, exist_ok=True, mode=0o700)

    def _sections(self, daemons: Mapping[str, Daemon]) -> dict[str, Any]:
        """Return the settings of each daemon that conduit manages."""
        own = {name: daemon.section for name, daemon in daemons.items() if name not in self.upstreams}
        if self.host_docker is None:
            return own
        return own | {"docker": host_docker.section(self.directory, self.host_docker)}

    def _write_settings(self, sections: Mapping[str, Any]) -> None:
        copies = {
            proxy: {"dir": str(self.directory / f"{proxy}-certs"), "user": current_user()} for proxy in self.proxies
        }
        inside = self.desired.is_relative_to(self.directory)
        document = {
            "desired": str(self.desired.relative_to(self.directory) if inside else self.desired),
            "state_dir": "state",
            "keys_dir": "keys",
            "site": host_docker.site_of(self.directory) if self.host_docker else "sandbox",
            "internal_domain": "home.arpa",
            "proxy_address": "127.0.0.1",
            "upstreams": {"allow_loopback": True},
            **sections,
            "certs": {"dir": str(self.certificates), "copies": copies},
        }
        text = _HEADER + yaml.safe_dump(document | self.settings, sort_keys=False)
        if not self.settings_file.exists() or self.settings_file.read_text() != text:
            self.settings_file.write_text(text)

    def _refuse_foreign_settings(self) -> None:
        if self.settings_file.exists() and not self._is_ours():
            summary = f"{self.settings_file} was not written by the sandbox"
            raise SandboxError(Diagnostic(FOREIGN, summary, hint="choose another directory for the sandbox"))


def of_checkout(root: Path, host_docker: Path | None = None) -> Sandbox:
    """Return the sandbox of a checkout: `.sandbox/`, its own `desired/`, and the upstreams that tree names.

    `host_docker` is the socket of the host's own Docker, to use instead of a private one.
    """
    return Sandbox(
        root / ".sandbox",
        desired=root / "desired",
        upstreams=DEMO_UPSTREAMS,
        ports=DEMO_PORTS,
        settings={"api": {"anonymous_read": True}},
        proxies=("caddy", "nginx"),
        docker=host_docker is None,
        host_docker=host_docker,
    )
