"""Running a program with a file put in place of another, seen by that program alone.

In a mount namespace of its own STAGED is bound over LIVE, so a check sees the whole configuration as it would be,
whatever includes what. Root gives the namespace to one thread, and lets it give up all capabilities but those a check
needs: to open files and ports. Others need a user namespace around it, which only a process of one thread can have
(unshare(2)): for them this file is the program that starts the other one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess, SubprocessError
from threading import Thread
from typing import Final

NOT_POSSIBLE: Final = 125
"""The exit status for a kernel or a container that forbids such a namespace."""

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
_DROP_FROM_BOUND = 24
_KEPT = (0, 1, 2, 10)
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE (capabilities(7))."""

Run = Callable[[Sequence[str]], CompletedProcess[bytes]]


def run_staged(staged: Path, live: Path, argv: Sequence[str], run: Run) -> CompletedProcess[bytes] | None:
    """Let `run` run a program that finds `staged` at the path `live`; None where that is forbidden.

    Raises what `run` raises of OSError and SubprocessError.
    """
    if os.geteuid():
        done = run([sys.executable, "-IS", __file__, str(staged), str(live), *argv])
        return None if done.returncode == NOT_POSSIBLE else done
    ends: list[CompletedProcess[bytes] | Exception | None] = []

    def apart() -> None:
        try:
            ends.append(run(argv) if _enter(str(staged), str(live), _NEW_MOUNTS) else None)
        except (OSError, SubprocessError) as error:
            ends.append(error)

    thread = Thread(target=apart, name="staged", daemon=True)
    thread.start()
    thread.join()
    (end,) = ends
    if isinstance(end, Exception):
        raise end
    return end


def _enter(staged: str, live: str, namespaces: int) -> bool:
    """Give the calling thread, and what it starts, mounts with `staged` over `live`; False when that is forbidden."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    separate = libc.unshare(namespaces) == 0 and libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None) == 0
    if not separate or libc.mount(os.fsencode(staged), os.fsencode(live), None, _BIND, None):
        return False
    for capability in range(64):
        if capability not in _KEPT:
            libc.prctl(_DROP_FROM_BOUND, capability, 0, 0, 0)
    return True


def main() -> None:
    """Replace this process by the program, or exit with 125: `nginx_stage.py STAGED LIVE PROGRAM [ARGUMENT ...]`."""
    staged, live, *argv = sys.argv[1:]
    if not _enter(staged, live, _NEW_MOUNTS | _NEW_USER):
        sys.exit(NOT_POSSIBLE)
    os.execv(argv[0], argv)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
