"""A daemon without a service manager, known by its pid file and the command that starts it.

Only the daemon's own process is ever signalled: the pid file is a hint, the kernel's word about program and arguments
decides, and the signal goes through a pidfd, so that a recycled pid reaches nobody else.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

from conduit.errors import Code, Diagnostic, Refused
from conduit.providers.child import ENVIRONMENT, LAST_WORDS, NOT_STARTED, START_SECONDS, Passing, Ready, start_again

NOT_OURS = Code(
    "CND-1150",
    "the pid file names a process that is not the daemon",
    "conduit signals a process only when it runs the configured program with the configured arguments. The pid file "
    "names another one: left over from a crash, or the daemon was started by hand with other arguments. Stop that "
    "daemon or delete the pid file, and let `start` in conduit.yaml be the command it is really started with.",
)

STOP_SECONDS: Final = 5.0


class _Ended(Refused):
    """A start that came to nothing: its exit status, if it ended, and what it said."""

    def __init__(self, program: str, status: int | None, said: str) -> None:
        super().__init__(Diagnostic(NOT_STARTED, f"{program} did not start: {said}"), whole=True)
        self.status, self.said = status, said

    def over(self, passes: Passing | None) -> bool:
        """Tell whether it ended over something that passes."""
        return passes is not None and self.status == passes.status and passes.words in self.said


class Plain:
    """A daemon known by its pid file and the command that starts it."""

    def __init__(self, program: Path, pid_file: Path, argv: tuple[str, ...], passes: Passing | None = None) -> None:
        self.program, self.pid_file, self.argv, self.passes = program, pid_file, argv, passes

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
        start_again(lambda: self._start(ready), _Ended, lambda ended: ended.over(self.passes))

    def _start(self, ready: Ready) -> None:
        """Start the daemon once. Raises `_Ended`."""
        import subprocess
        import tempfile

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
                    raise _Ended(self.program.name, child.poll(), _said(words))
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
    return words.read(LAST_WORDS).decode(errors="replace").strip() or "it said nothing"
