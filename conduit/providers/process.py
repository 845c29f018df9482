"""How conduit tells a daemon to reload or restart: a plain process with a pid file, or a unit of systemd."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pydantic import Field

from conduit.providers.child import Passing, Ready
from conduit.providers.process_plain import Plain
from conduit.providers.process_systemd import Systemd
from conduit.settings import ConfigPath, Section, Settings


class PlainProcess(Section):
    """A daemon without a service manager. `start` is its whole command; it detaches and writes `pid_file`."""

    pid_file: ConfigPath
    """Where it writes its process number."""
    start: tuple[str, ...] = Field(min_length=1, strict=False)
    """The whole command, an absolute program first."""


class SystemdUnit(Section):
    """A daemon that systemd runs."""

    systemd: str = Field(pattern=r"^[A-Za-z0-9@._:-]{1,200}\.service$")
    """The name of the unit, with `.service`."""


class Process(Protocol):
    """One daemon's process. Every method raises `Refused` when the daemon cannot be told."""

    def pid(self) -> int | None:
        """Return the pid of the running daemon, verified; None when it does not run."""

    def running(self) -> bool:
        """Return whether the daemon runs."""

    def require_ours(self) -> None:
        """Raise `Refused` when what runs under the daemon's name is not the daemon."""

    def hup(self) -> None:
        """Send SIGHUP."""

    def restart(self, ready: Ready, stopped: Callable[[], None] = lambda: None) -> None:
        """Stop the daemon if it runs, call `stopped`, start it and wait until `ready`."""

    def start(self, ready: Ready) -> None:
        """Start the daemon and wait until `ready`."""


def open_process(
    config: PlainProcess | SystemdUnit, program: Path, settings: Settings, passes: Passing | None = None
) -> Process:
    """Return the adapter a settings section asks for; `program` is the absolute path of the daemon's binary.

    A start that ends as `passes` says is tried again.
    """
    if isinstance(config, SystemdUnit):
        return Systemd(config.systemd, passes=passes)
    return Plain(program, settings.path(config.pid_file), config.start, passes)
