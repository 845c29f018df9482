"""How many reads a second the API answers, how late the slowest hundredth is, and what one costs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from typing import Final

from figure import Figure
from served import Served, serving

from conduit.sandbox.machine import find_program

AT_ONCE: Final = 16
P99_MS: Final = 25.0
"""The slowest hundredth, with `AT_ONCE` connections."""
PROMISED: Final = {"/api/ping": 4 * 1170, "/api/services": 10 * 232, "/api/routing": 10 * 289}
"""What is read, and how many requests a second are promised with `SERVICES` of them."""
SERVICES: Final = 100
SAID: Final = (r"(\d+) requests in", r"Requests/sec:\s+([\d.]+)", r"99%\s+([\d.]+)(us|ms|s)")
"""What wrk tells."""
UNITS: Final = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def reads(count: int, seconds: int) -> Iterator[Figure]:
    """Read a site of `count` services as fast as is answered."""
    judged = count == SERVICES
    with serving(count) as world:
        for path, least in PROMISED.items():
            rate, slowest, cpu = _wrk(world, path, seconds)
            beside = f"{cpu * 1000:.2f} ms of CPU each"
            yield Figure(f"GET {path}", count, rate, "/s", least if judged else None, beside, least=True)
            yield Figure(f"GET {path}, 99 of 100 within", count, slowest, " ms", P99_MS if judged else None)


def _wrk(world: Served, path: str, seconds: int) -> tuple[float, float, float]:
    """Return requests per second, milliseconds of the 99th percentile, and CPU seconds for each request."""
    argv = [str(find_program("wrk")), "-t1", f"-c{AT_ONCE}", f"-d{seconds}s", "--latency", world.url + path]
    before = world.cpu()
    said = subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout
    used = world.cpu() - before
    found = [re.search(words, said) for words in SAID]
    if "Non-2xx" in said or "Socket errors" in said or None in found:
        raise SystemExit(f"{path} was not read as it should be:\n{said}")
    requests, rate, slowest = (each.groups() for each in found if each)
    return float(rate[0]), float(slowest[0]) * UNITS[slowest[1]], used / int(requests[0])
