"""Work aside: a copy of this process works something out on another processor while this one goes on.

Python's threads take turns on one processor. A copy made by fork(2) has all of this process's memory as it is now, and
in it only the thread that made it: what another one held at that moment would stay held. So there is no copy while
others run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import NoReturn


def aside(work: Callable[[], bytes]) -> Callable[[], bytes] | None:
    """Let a copy of this process work out bytes; return what waits for them, None when there can be no copy.

    `work` must change nothing but memory. The bytes are empty when the copy came to grief: whoever wants them then has
    to work them out.
    """
    if threading.active_count() > 1:
        return None
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        return None
    if pid == 0:
        os.close(reading)
        _tell(work, writing)
    os.close(writing)

    def told() -> bytes:
        with open(reading, "rb") as source:
            found = source.read()
        return found if os.waitpid(pid, 0)[1] == 0 else b""

    return told


def _tell(work: Callable[[], bytes], writing: int) -> NoReturn:
    """Write what work gives and end this copy, which must never go on as if it were the first process."""
    code = 1
    try:
        with open(writing, "wb") as target:
            target.write(work())
        code = 0
    finally:
        os._exit(code)
