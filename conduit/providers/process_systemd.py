"""A daemon that systemd runs, told with systemctl."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from conduit.errors import Code, Diagnostic, Refused
from conduit.providers.child import ENVIRONMENT, LAST_WORDS, NOT_STARTED, START_SECONDS, Passing, Ready, start_again

if TYPE_CHECKING:
    import subprocess

NO_REPLY = Code(
    "CND-1152",
    "systemctl failed",
    "The service manager did not do what it was asked. Its words are in the message. Look at `systemctl status UNIT` "
    "and at the unit's journal, then apply again.",
)


class Systemd:
    """A daemon that systemd runs. SIGHUP goes to its main process: what a unit calls reload may be anything."""

    def __init__(self, unit: str, systemctl: Path = Path("/usr/bin/systemctl"), passes: Passing | None = None) -> None:
        self.unit, self.systemctl, self.passes = unit, systemctl, passes

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
        self._bring_up("restart", ready)

    def start(self, ready: Ready) -> None:
        self._bring_up("start", ready)

    def _bring_up(self, word: str, ready: Ready) -> None:
        start_again(lambda: self._do(word, self.unit), Refused, lambda error: self._passes())
        self._await(ready)

    def _passes(self) -> bool:
        """Tell whether the last start ended with the status of what passes; its words are in the unit's journal alone.

        systemd tells how the command ended, after its arguments: `code=exited ; status=5 }` (org.freedesktop.systemd1,
        ExecStart).
        """
        if self.passes is None:
            return False
        told = self._run("show", "--property=ExecStart", "--value", self.unit).stdout
        return re.search(rf"; code=exited ; status={self.passes.status} \}}\s*$", told) is not None

    def _await(self, ready: Ready) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if time.monotonic() > deadline:
                raise Refused(Diagnostic(NOT_STARTED, f"{self.unit} runs but does not answer"), whole=True)
            time.sleep(0.003)

    def _do(self, *words: str) -> None:
        done = self._run(*words)
        if done.returncode:
            said = " ".join(done.stderr[:LAST_WORDS].split()) or f"status {done.returncode}"
            raise Refused(Diagnostic(NO_REPLY, f"systemctl {words[0]} {self.unit}: {said}"), whole=True)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        import subprocess

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
