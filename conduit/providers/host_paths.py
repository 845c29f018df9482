"""Which paths of the host a container may be given without more ado, and where conduit itself stands there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from posixpath import basename, normpath
from typing import Final

from msgspec import Struct

from conduit.look import Look
from conduit.settings import Settings

_SYSTEM: Final = (
    "/bin /boot /dev /etc /lib /lib32 /lib64 /proc /root /run /sbin /sys /usr /var/lib/containerd /var/lib/docker"
    " /var/run /var/spool/cron"
)
SYSTEM: Final = tuple(_SYSTEM.split())
"""A bind at, below or above one of these reaches the host's system."""
SOCKETS: Final = frozenset(("docker.sock", "containerd.sock", "crio.sock", "podman.sock", "balena-engine.sock"))
"""Whoever may speak to one of these may start a privileged container."""
CLOCK: Final = ("/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo")
"""Read-only, these tell a container the time zone and nothing else."""

Resolve = Callable[[str], str]
"""Returns a path with its symbolic links followed (os.path.realpath)."""


class Grounds(Struct, frozen=True):
    """Where conduit itself stands on the host, as absolute paths.

    `own`: keys, state, certificates, which no container should reach. `commands`: manifests and settings; who writes
    there commands conduit. `homes`: the directories of settings and manifests, and the one around both. What else lies
    there is the operator's own, even within /etc or /root.
    """

    own: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()


NOWHERE: Final = Grounds()
"""A host without conduit."""


class HostPaths:
    """Judges paths of the host."""

    def __init__(self, resolve: Resolve, grounds: Grounds = NOWHERE) -> None:
        self._resolve, self._grounds = resolve, grounds
        self._homes = [home for home in grounds.homes if not any(_at_or_below(each, home) for each in SYSTEM)]

    def reach(self, path: str, read_only: bool) -> str:
        """Return in words what of the host a path reaches, nothing when that is harmless."""
        plain = "/" + normpath(path).lstrip("/")
        for each in dict.fromkeys((plain, self._resolve(plain))):
            words = self._judge(each, read_only)
            if words:
                return words if each == plain else f"{words} (through a link)"
        return ""

    def _judge(self, path: str, read_only: bool) -> str:
        if basename(path) in SOCKETS:
            return f"the socket {path}, which commands the container engine"
        if read_only and any(_at_or_below(path, clock) for clock in CLOCK):
            return ""
        if words := _within(path, self._grounds.own, "a part of conduit's own"):
            return words
        if not read_only and (
            words := _within(path, self._grounds.commands, "where it could write manifests or settings of conduit")
        ):
            return words
        if any(_at_or_below(path, home) for home in self._homes):
            return ""
        return _within(path, SYSTEM, "a part of the host's system")


def _within(path: str, roots: tuple[str, ...], what: str) -> str:
    """Return in words that a path lies in one of the directories, or holds one."""
    for root in roots:
        if _at_or_below(path, root):
            return f"{path}, {what}"
        if _at_or_below(root, path):
            return f"{path}, which holds {root} of the host"
    return ""


def _at_or_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def host_paths(look: Look) -> HostPaths:
    """Return the judge of the paths that a container asks for."""
    return HostPaths(look.files.resolved, look.once(_grounds))


def _grounds(look: Look) -> Grounds:
    from conduit.providers import certs_config, docker_config

    settings = look.settings
    pairs = certs_config.Config.model_validate(settings.sections.get("certs") or {})
    files = docker_config.Config.model_validate(settings.sections.get("docker") or {}).files
    copies = (copy.dir for copy in pairs.copies.values())
    own = (settings.state_dir, settings.keys_dir, pairs.dir, *copies, files)
    commands = (settings.desired, settings.desired.parent / ".git", Path("conduit.yaml"), Path(".git"))
    return Grounds(_places(settings, own), _places(settings, commands), _places(settings, _homes(settings)))


def _homes(settings: Settings) -> Iterable[Path]:
    """Yield the directories of settings and manifests, and the one that holds both where one does."""
    yield from (Path(), settings.desired)
    around = Path(normpath(settings.path(settings.desired))).parent
    if settings.base.is_relative_to(around):
        yield around


def _places(settings: Settings, paths: Iterable[Path]) -> tuple[str, ...]:
    """Return the paths as they are written and, where a link is on the way, as they really are."""
    absolute = [normpath(settings.path(path).absolute()) for path in paths]
    return tuple(dict.fromkeys(place for path in absolute for place in (path, os.path.realpath(path))))
