"""How conduit tells a daemon to reload or restart: a plain process with a pid file, or a unit of systemd.

Only the daemon's own process is ever signalled: the pid file is a hint, the kernel's word about program and arguments
decides, and the signal goes through a pidfd, so that a recycled pid reaches nobody else.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Protocol

from pydantic import Field

from conduit.errors import Code, Diagnostic, Refused
from conduit.settings import ConfigPath, Section, Settings

NOT_OURS = Code(
    "CND-1150",
    "the pid file names a process that is not the daemon",
    "conduit signals a process only when it runs the configured program with the configured arguments. The pid file "
    "names another one: left over from a crash, or the daemon was started by hand with other arguments. Stop that "
    "daemon or delete the pid file, and let `start` in conduit.yaml be the command it is really started with.",
)
NOT_STARTED = Code(
    "CND-1151",
    "a daemon does not start or does not answer",
    "The daemon was told to start and exited, or did not answer within the deadline. Its own words are in the message. "
    "When conduit had changed a file just before, the old file was put back first.",
)
NO_REPLY = Code(
    "CND-1152",
    "systemctl failed",
    "The service manager did not do what it was asked. Its words are in the message. Look at `systemctl status UNIT` "
    "and at the unit's journal, then apply again.",
)

ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""What a daemon or tool started by conduit gets to see: no key, token or proxy setting of the caller."""
START_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0
_TEXT: Final = 2_000


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


Ready = Callable[[], bool]
"""Whether the daemon answers; asked again and again until it does."""


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


def open_process(config: PlainProcess | SystemdUnit, program: Path, settings: Settings) -> Process:
    """Return the adapter a settings section asks for; `program` is the absolute path of the daemon's binary."""
    if isinstance(config, SystemdUnit):
        return Systemd(config.systemd)
    return Plain(program, settings.path(config.pid_file), config.start)


class Plain:
    """A daemon known by its pid file and the command that starts it."""

    def __init__(self, program: Path, pid_file: Path, argv: tuple[str, ...]) -> None:
        self.program, self.pid_file, self.argv = program, pid_file, argv

    def pid(self) -> int | None:
        named = self._named()
        return named if named is not None and self._is_ours(named) else None

    def running(self) -> bool:
        return self.pid() is not None

    def require_ours(self) -> None:
        if self._named() is not None:
            os.close(self._handle())

    def hup(self) -> None:
        handle = self._handle()
        try:
            signal.pidfd_send_signal(handle, signal.SIGHUP)
        finally:
            os.close(handle)

    def restart(self, ready: Ready, stopped: Callable[[], None] = lambda: None) -> None:
        self._stop()
        stopped()
        self.start(ready)

    def start(self, ready: Ready) -> None:
        with tempfile.TemporaryFile() as words:
            child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                env=ENVIRONMENT,
                cwd="/",
                start_new_session=True,
            )
            deadline = time.monotonic() + START_SECONDS
            while not (self.running() and ready()):
                if child.poll() or time.monotonic() > deadline:
                    raise Refused(
                        Diagnostic(NOT_STARTED, f"{self.program.name} did not start: {_said(words)}"), whole=True
                    )
                time.sleep(0.003)
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.5)

    def _named(self) -> int | None:
        """Return the live process the pid file names, ours or not."""
        try:
            pid = int(self.pid_file.read_text()[:20])
            return pid if _command_line(pid) else None
        except (OSError, ValueError):
            return None

    def _is_ours(self, pid: int) -> bool:
        """Tell whether a process runs our program with our arguments; nginx rewrites its own title, with them in it."""
        try:
            program = str(Path(f"/proc/{pid}/exe").readlink()).removesuffix(" (deleted)")
            return str(self.program.resolve()) == program and " ".join(self.argv[1:]) in _command_line(pid)
        except OSError:
            return False

    def _handle(self) -> int:
        """Return a pidfd of our process. The check comes after opening it, so the pid cannot change hands between."""
        named = self._named()
        if named is None:
            raise Refused(Diagnostic(NOT_STARTED, f"{self.program.name} does not run ({self.pid_file})"), whole=True)
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(named)
            if self._is_ours(named):
                return handle
            os.close(handle)
        hint = f"stop it or delete {self.pid_file}, then apply again"
        raise Refused(
            Diagnostic(NOT_OURS, f"{self.pid_file} names process {named}, which is not ours", hint=hint), whole=True
        )

    def _stop(self) -> None:
        """End our process: SIGTERM, and SIGKILL for one that is stuck."""
        if self._named() is None:
            return
        handle = self._handle()
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, number)
            if select.select([handle], [], [], STOP_SECONDS)[0]:
                break
        os.close(handle)


def _command_line(pid: int) -> str:
    """Return the arguments of a process joined by blanks; empty for a dead one nobody has waited for."""
    return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ").strip()


def _said(words: IO[bytes]) -> str:
    words.seek(0)
    return words.read(_TEXT).decode(errors="replace").strip() or "it said nothing"


class Systemd:
    """A daemon that systemd runs. SIGHUP goes to its main process: what a unit calls reload may be anything."""

    def __init__(self, unit: str, systemctl: Path = Path("/usr/bin/systemctl")) -> None:
        self.unit, self.systemctl = unit, systemctl

    def pid(self) -> int | None:
        found = self._run("show", "--property=MainPID", "--value", self.unit).stdout.strip()
        return int(found) if found.isascii() and found.isdigit() and found != "0" else None

    def running(self) -> bool:
        return self._run("is-active", "--quiet", self.unit).returncode == 0

    def require_ours(self) -> None:
        """systemd knows its own processes."""

    def hup(self) -> None:
        self._do("kill", "--kill-who=main", "--signal=HUP", self.unit)

    def restart(self, ready: Ready, stopped: Callable[[], None] = lambda: None) -> None:
        self._do("restart", self.unit)
        self._await(ready)

    def start(self, ready: Ready) -> None:
        self._do("start", self.unit)
        self._await(ready)

    def _await(self, ready: Ready) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > deadline:
                raise Refused(Diagnostic(NOT_STARTED, f"{self.unit} runs but does not answer"), whole=True)
            time.sleep(0.003)

    def _do(self, *words: str) -> None:
        done = self._run(*words)
        if done.returncode:
            said = done.stderr[:_TEXT].strip() or f"status {done.returncode}"
            raise Refused(Diagnostic(NO_REPLY, f"systemctl {words[0]} {self.unit}: {said}"), whole=True)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                [self.systemctl, *words],
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=60,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Refused(Diagnostic(NO_REPLY, f"systemctl {words[0]} {self.unit}: {error}"), whole=True) from error
