"""A program that runs another one with a file put in place of another, seen by that program alone.

`nginx_stage.py STAGED LIVE PROGRAM [ARGUMENT ...]`: in a mount namespace of its own STAGED is bound over LIVE, so a
check sees the whole configuration as it would be, whatever includes what. Root gives up all capabilities but those a
check needs: to open files and ports. Exits with 125 when the kernel or a container forbids such a namespace.
"""

from __future__ import annotations

import ctypes
import os
import sys

NOT_POSSIBLE = 125

_NEW_MOUNTS, _NEW_USER = 0x00020000, 0x10000000
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
_DROP_FROM_BOUND = 24
_KEPT = (0, 1, 2, 10)
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE (capabilities(7))."""


def main() -> None:
    """Replace this process by the program, or exit with 125."""
    staged, live, *argv = sys.argv[1:]
    libc = ctypes.CDLL(None, use_errno=True)
    flags = _NEW_MOUNTS if os.geteuid() == 0 else _NEW_MOUNTS | _NEW_USER
    separate = libc.unshare(flags) == 0 and libc.mount(None, b"/", None, _RECURSIVE | _PRIVATE, None) == 0
    if not separate or libc.mount(os.fsencode(staged), os.fsencode(live), None, _BIND, None):
        sys.exit(NOT_POSSIBLE)
    for capability in range(64):
        if capability not in _KEPT:
            libc.prctl(_DROP_FROM_BOUND, capability, 0, 0, 0)
    os.execv(argv[0], argv)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
