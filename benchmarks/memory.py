"""How much memory the server has after minutes of reads, checks, edits and passes."""

from __future__ import annotations

import subprocess
import time
from typing import Final

from figure import Figure
from served import serving

from conduit.sandbox.machine import find_program

SERVICES: Final = 100
LIMIT_MIB: Final = 300.0
"""What the reliability contract promises under attack."""
READ: Final = "/api/services"
EARLY: Final = 1 / 6
"""When all that is made once has been made: what comes later would be a leak."""


def memory(minutes: float) -> Figure:
    """Read from four connections and edit one service after the other for so many minutes."""
    with serving(SERVICES) as world:
        argv = [str(find_program("wrk")), "-t1", "-c4", f"-d{round(minutes * 60)}s", world.url + READ]
        begun, early, edits, started = world.resident(), 0.0, 0, time.monotonic()
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as load:
            while load.poll() is None:
                world.register(f"new{edits % SERVICES}", overwrite=True)
                edits += 1
                if not early and time.monotonic() - started > minutes * 60 * EARLY:
                    early = world.resident()
                time.sleep(0.5)
        ended = world.resident()
    told = f"{begun:.0f} MiB before, {early:.0f} after a sixth of the time"
    beside = f"{told}; {edits:,} registrations and reads without a pause for {minutes:g} minutes"
    return Figure("memory after a load", SERVICES, ended, " MiB", LIMIT_MIB, beside)
