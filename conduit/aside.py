"""Work aside: a copy of this process works something out on another processor while this one goes on.

Python's threads take turns on one processor. A copy made by fork(2) has all of this process's memory as it is now, and
in it only the thread that made it: what another one held at that moment would stay held. So there is no copy while
others run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

SIZE: Final = 8
"""The bytes that tell how many follow."""


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
            size, found = source.read(SIZE), source.read()
        with suppress(ChildProcessError):  # where SIGCHLD is ignored nobody has to be waited for (waitpid(2))
            os.waitpid(pid, 0)
        return found if len(found) == int.from_bytes(size) else b""

    return told


def _tell(work: Callable[[], bytes], writing: int) -> NoReturn:
    """Write what work gives, after its size, and end this copy, which must never go on as the first process does."""
    try:
        found = work()
        with open(writing, "wb") as target:
            target.write(len(found).to_bytes(SIZE))
            target.write(found)
    finally:
        os._exit(0)
