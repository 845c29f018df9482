"""One private daemon: started, stopped, killed, paused and found again by its own pid file and command line."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from conduit.errors import Code, Diagnostic
from conduit.providers.child import start_again
from conduit.providers.listeners import holder
from conduit.sandbox.machine import DEADLINE, PORT_TAKEN, SandboxError, answers, replies, wait_for

START_FAILED = Code(
    "CND-1180",
    "a sandbox daemon does not start",
    "A private daemon of the sandbox exited or did not answer in time. The last lines of its log are shown; the whole "
    "log is in its directory. Remove the cause and run `conduit sandbox up` again: what runs is left alone.",
)

LEAVES: Final = 1.0
"""Seconds in which the processes end that a dnsmasq has started for clients over TCP; they have its sockets too."""

RECORD: Final = "daemon.json"
"""Describes a daemon in its directory, for later processes."""

_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Daemon:
    """A private daemon in `directory`. `section` is what conduit.yaml says about it, `address` where it answers.

    `detaches` tells that the program goes into the background by itself and writes `<directory>/pid`. A process is
    ours when that file names it and its command line is `argv`: so one that conduit restarted is still found, and a
    stranger with a recycled pid is never signalled. One that listens before it is ready names in `ping` an HTTP path
    that it answers when it is. `sweep` names the module of the sandbox, and the words for
    its function `sweep`, that clears away what an ended daemon leaves behind; a crash does not. `passes` is what it
    says last when its start ended over something that passes: it is then started again.
    """

    name: str
    directory: Path
    argv: tuple[str, ...]
    address: str
    section: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    detaches: bool = False
    ping: str = ""
    sweep: tuple[str, ...] = ()
    passes: str = ""

    @classmethod
    def load(cls, directory: Path) -> Daemon:
        """Return the daemon recorded in `directory`, also when it was recorded elsewhere and the directory moved."""
        record = json.loads((directory / RECORD).read_text())
        words = {name: tuple(record.get(name, ())) for name in ("argv", "sweep")}
        return cls(**record | words | {"directory": directory})

    @property
    def startable(self) -> bool:
        """Whether its program is there and its record names the directory it is in."""
        record = json.loads((self.directory / RECORD).read_text())
        return Path(self.argv[0]).exists() and record["directory"] == str(self.directory)

    @property
    def pid_file(self) -> Path:
        """Where the pid of the running daemon stands."""
        return self.directory / "pid"

    @property
    def log(self) -> Path:
        """What the daemon printed."""
        return self.directory / "output.log"

    @property
    def pid(self) -> int | None:
        """The pid of our running process, or None."""
        try:
            pid = int(self.pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if _is(command, self.argv) else None

    @property
    def running(self) -> bool:
        """Whether our process is alive; a paused one is."""
        return self.pid is not None

    def start(self) -> None:
        """Start the daemon and wait until it answers; one that runs is left alone. Raises `SandboxError`."""
        if self.running:
            return
        if self._taken():
            summary = f"{self.name}: another program answers at {self.address}{_holder(self.address)}"
            raise SandboxError(Diagnostic(PORT_TAKEN, summary, hint="stop it, or remove the sandbox and start anew"))
        record = json.dumps(asdict(self) | {"directory": str(self.directory)}, indent=2)
        (self.directory / RECORD).write_text(record + "\n")
        start_again(self._come_up, SandboxError, lambda error: bool(self.passes) and self.passes in self._last_words(1))

    def _taken(self) -> bool:
        """Whether somebody else answers, and goes on; what an ended dnsmasq leaves behind answers a moment longer."""
        with suppress(TimeoutError):
            wait_for(lambda: not answers(self.address), f"nobody answers at {self.address}", deadline=LEAVES)
            return False
        return True

    def _come_up(self) -> None:
        process = self._spawn()
        try:
            wait_for(lambda: self._up(process), f"{self.name} answers at {self.address}")
        except TimeoutError as error:
            process.kill()
            self.kill()  # one that went into the background is another process
            raise self._failure(str(error)) from error

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {"PATH": os.defpath, "HOME": str(self.directory)} | self.environment
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self.argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        if not self.detaches:
            self.pid_file.write_text(f"{process.pid}\n")
        _children[process.pid] = process
        return process

    def _up(self, process: subprocess.Popen[bytes]) -> bool:
        code = process.poll()
        if code is not None and (code or not self.detaches):
            raise self._failure(f"exited with status {code}")
        return self.running and (replies(self.address, self.ping) if self.ping else answers(self.address))

    def _failure(self, reason: str) -> SandboxError:
        hint = f"the end of {self.log}:\n{self._last_words(5)}"
        return SandboxError(Diagnostic(START_FAILED, f"{self.name} did not start: {reason}", hint=hint))

    def _last_words(self, lines: int) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self) -> None:
        """End the daemon: SIGTERM, and SIGKILL when that is not enough. One that does not run is fine."""
        if not self._end(signal.SIGTERM, signal.SIGCONT):
            self.kill()
        if self.sweep:
            module, *words = self.sweep
            import_module(f"conduit.sandbox.{module}").sweep(*words)

    def kill(self) -> None:
        """End the daemon as a crash would: SIGKILL, nothing cleaned up."""
        self._end(signal.SIGKILL)

    def _end(self, *signals: signal.Signals) -> bool:
        """Signal our process and wait for its end; False when it outlives the deadline."""
        pid = self.pid
        if pid is None:
            return True
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            with suppress(ProcessLookupError):  # it ended, perhaps of the first one, and was waited for
                for number in signals if self.pid == pid else ():
                    signal.pidfd_send_signal(handle, number)
            return bool(select.select([handle], [], [], DEADLINE)[0])
        finally:
            os.close(handle)
            if child := _children.get(pid):
                child.poll()

    def pause(self) -> None:
        """Stop the process where it stands (SIGSTOP): it keeps its sockets and answers nothing."""
        self._signal(signal.SIGSTOP)
        wait_for(lambda: self._state in ("T", None), f"{self.name} stands still")

    def resume(self) -> None:
        """Let a paused process go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    @property
    def _state(self) -> str | None:
        """The state letter of proc(5), None when our process does not run."""
        pid = self.pid
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] if pid else None

    def _signal(self, number: signal.Signals) -> None:
        if (pid := self.pid) is not None:
            os.kill(pid, number)


def _holder(address: str) -> str:
    """Return in words which process listens at an address, nothing when that cannot be seen."""
    port = address.rpartition(":")[2]
    found = holder(int(port)) if port.isdecimal() else None
    return f": process {found.pid} ({found.name})" if found else ""


def _is(command: bytes, argv: tuple[str, ...]) -> bool:
    """Tell whether a process's title is a command; nginx writes `nginx: master process` before its own."""
    words = [os.fsencode(word) for word in argv]
    return command.split(b"\0")[:-1] == words or command.rstrip(b"\0").endswith(b"process " + b" ".join(words))
