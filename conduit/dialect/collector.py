"""The cyclic garbage collector, out of the way while a site is read, and of what a process keeps of it."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

WHOLE_SECONDS: Final = 600.0
"""How often the collector looks at everything, which takes a tenth of a second for a thousand services."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Stop the collector: it would scan tens of thousands of new containers that live on, and find nothing."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


class Settling:
    """Lets the collector pass over what is there, so that it does not hold up requests by going through a whole site.

    What is replaced is freed as ever; what only the collector can free waits for the next look at everything.
    """

    def __init__(self) -> None:
        self._looked = time.monotonic()

    def __call__(self) -> None:
        """Call it when a pass has ended."""
        if time.monotonic() - self._looked > WHOLE_SECONDS:
            self._looked = time.monotonic()
            gc.unfreeze()
            gc.collect()
        gc.freeze()
