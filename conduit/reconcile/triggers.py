"""What wakes the loop: files that change, signs such as a commit, daemons that tell. Each is a thread.

A trigger carries no data: the pass looks at everything. What the file watcher cannot tell, because its queue is full
(inotify(7), IN_Q_OVERFLOW) or the machine has no watches left, is seen by looking, as often as costs next to nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from conduit.errors import ConduitError
from conduit.evidence import inode
from conduit.providers.base import Provider
from conduit.stamps import Stamp, stamp_of

Wake = Callable[[str], None]

STEP_MS: Final = 20
"""How often the file watcher looks for events, and how long none may come before they are told.

The pass waits for stillness itself and reads the manifests meanwhile, so every step is time it could have used; a
shorter one costs the processor more than it gains.
"""
TOGETHER_MS: Final = 200
"""For how long events that follow each other are told together at most."""
LOOK_SECONDS: Final = 0.5
"""How often it is looked whether the watched directory is still the same, and at signs."""
SHARE: Final = 100.0
"""How many times longer than a look at a sign took, in CPU time, to wait until the next one."""
AGAIN_SECONDS: Final = 1.0
"""How long to wait before a daemon that did not answer is listened to again."""


def watch_files(root: Path, wake: Wake, stop: threading.Event) -> None:
    """Wake for every change of a visible file below `root`, also when `root` itself is replaced, until `stop`."""
    from watchfiles import watch

    while not stop.is_set():
        place = inode(root)
        try:
            found = watch(
                root,
                watch_filter=lambda _, path: _visible(Path(path), root),
                debounce=TOGETHER_MS,
                step=STEP_MS,
                stop_event=stop,
                rust_timeout=int(LOOK_SECONDS * 1000),
                yield_on_timeout=True,
                raise_interrupt=False,
            )
            for changes in found:
                if changes:
                    wake("files")
                if _moved(place, inode(root)):
                    break
        except (OSError, RuntimeError):
            stop.wait(LOOK_SECONDS)
        if _moved(place, inode(root)):
            wake("files")


def stamps(root: Path) -> dict[str, Stamp]:
    """Return the stamps of the visible files below `root`: a sign that differs whenever one of them does."""
    found = {}
    for directory, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            if not name.startswith("."):
                path = f"{directory}/{name}"
                with suppress(OSError):
                    found[path] = stamp_of(os.lstat(path))
    return found


def watch_sign(sign: Callable[[], object], wake: Wake, stop: threading.Event) -> None:
    """Wake whenever `sign` returns something else than before, until `stop`; a costly one is asked less often."""
    before, pause = sign(), LOOK_SECONDS
    while not stop.wait(pause):
        begun = time.thread_time()
        now = sign()
        pause = max(LOOK_SECONDS, SHARE * (time.thread_time() - begun))
        if now != before:
            wake("sign")
        before = now


def listen(provider: Provider, wake: Wake, stop: threading.Event) -> None:
    """Wake for all that a daemon tells of, and once when it falls silent; until `stop`."""
    silent = False

    def changed() -> None:
        nonlocal silent
        silent = False
        wake(provider.name)

    while not stop.is_set():
        try:
            provider.listen(changed, stop)
            return
        except ConduitError:
            if not silent:
                wake(provider.name)
            silent = True
        stop.wait(AGAIN_SECONDS)


def _moved(before: str, now: str) -> bool:
    """Tell whether another directory lies there: device and inode are the first word."""
    return before.split()[:1] != now.split()[:1]


def _visible(path: Path, root: Path) -> bool:
    inside = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
    return not any(part.startswith(".") for part in inside)
