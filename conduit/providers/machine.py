"""How a machine is doing: this one by psutil, another one over SSH by the same plain tools.

What a tool prints is bounded and read strictly; what cannot be read is left out, never guessed.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from conduit.providers.child import ENVIRONMENT

GPU_QUERY: Final = "name,temperature.gpu,utilization.gpu,memory.used,memory.total,power.draw"
GPUS: Final = ("/usr/bin/nvidia-smi", f"--query-gpu={GPU_QUERY}", "--format=csv,noheader,nounits")
CONTAINERS: Final = ("/usr/bin/docker", "stats", "--no-stream", "--format", "{{json .}}")
SECONDS: Final = 10
BYTES: Final = 2**20
SAMPLE_SECONDS: Final = 0.2
"""How long the processors are looked at to tell how busy they are."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics card: degrees Celsius, percent, MiB, watts; None for what it does not tell."""

    name: str
    temperature: float | None
    utilization: float | None
    memory_used: float | None
    memory_total: float | None
    power_draw: float | None


@dataclass(frozen=True, slots=True)
class Container:
    """One running container, with the words of `docker stats`."""

    name: str
    cpu: str
    memory: str
    network: str
    pids: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a machine uses: percent, bytes, seconds since it started, the load of 1, 5 and 15 minutes."""

    cpu_percent: float
    cpu_cores: int
    load: tuple[float, float, float]
    memory_used: int
    memory_total: int
    disk_used: int
    disk_total: int
    uptime: float
    gpus: tuple[Gpu, ...] = ()
    containers: tuple[Container, ...] = field(default=())


def local(docker: str | None) -> Usage:
    """Look at this machine; `docker` is the address of its Docker, None when the settings name none."""
    import psutil

    memory, disk = psutil.virtual_memory(), psutil.disk_usage("/")
    argv = (CONTAINERS[0], "-H", docker, *CONTAINERS[1:]) if docker else ()
    return Usage(
        cpu_percent=psutil.cpu_percent(SAMPLE_SECONDS),
        cpu_cores=psutil.cpu_count() or 1,
        load=psutil.getloadavg(),
        memory_used=memory.total - memory.available,
        memory_total=memory.total,
        disk_used=disk.used,
        disk_total=disk.total,
        uptime=time.time() - psutil.boot_time(),
        gpus=read_gpus(_printed(GPUS)),
        containers=read_containers(_printed(argv)),
    )


def _printed(argv: tuple[str, ...]) -> str:
    """Return what a tool of this machine prints; nothing when it is not installed or fails."""
    if not argv or not Path(argv[0]).exists():
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(argv, capture_output=True, timeout=SECONDS, env=ENVIRONMENT, cwd="/", check=True)
        return done.stdout[:BYTES].decode(errors="replace")
    return ""


def read_gpus(text: str) -> tuple[Gpu, ...]:
    """Read what nvidia-smi prints for `GPU_QUERY`; `[N/A]` stands for what a card does not tell."""
    rows = ([cell.strip() for cell in line.split(",")] for line in text.splitlines())
    return tuple(Gpu(row[0], *map(_number, row[1:])) for row in rows if len(row) == 6)


def read_containers(text: str) -> tuple[Container, ...]:
    """Read the JSON lines of `docker stats`; a line that is none is left out."""
    return tuple(_container(row) for line in text.splitlines() if (row := _row(line)))


def read_usage(printed: Mapping[str, str]) -> Usage:
    """Read the files of /proc and the output of tools of another machine. Raises ValueError, KeyError, IndexError.

    `printed` maps stat (two samples), loadavg, meminfo, uptime, disk, gpus and containers to their text.
    """
    memory = {name: int(rest.split()[0]) * 1024 for name, rest in _pairs(printed["meminfo"])}
    totals = [line.split()[1:9] for line in printed["stat"].splitlines() if line.startswith("cpu ")]
    first, second = ([int(value) for value in total] for total in totals[:2])
    spent = [after - before for before, after in zip(first, second, strict=True)]
    idle = spent[3] + spent[4]
    disk = printed["disk"].splitlines()[-1].split()
    cores = sum(line.startswith("cpu") and line[3:4].isdecimal() for line in printed["stat"].splitlines()) // 2
    one, five, fifteen = (float(value) for value in printed["loadavg"].split()[:3])
    return Usage(
        cpu_percent=round(100 * (1 - idle / max(1, sum(spent))), 1),
        cpu_cores=cores,
        load=(one, five, fifteen),
        memory_used=memory["MemTotal"] - memory["MemAvailable"],
        memory_total=memory["MemTotal"],
        disk_used=int(disk[2]),
        disk_total=int(disk[1]),
        uptime=float(printed["uptime"].split()[0]),
        gpus=read_gpus(printed.get("gpus", "")),
        containers=read_containers(printed.get("containers", "")),
    )


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    return ((name, rest) for name, sign, rest in (line.partition(":") for line in text.splitlines()) if sign)


def _row(line: str) -> dict[str, Any]:
    with suppress(ValueError):
        row = json.loads(line)
        return row if isinstance(row, dict) and isinstance(row.get("Name"), str) else {}
    return {}


def _container(row: Mapping[str, Any]) -> Container:
    return Container(*(str(row.get(name, "")) for name in ("Name", "CPUPerc", "MemUsage", "NetIO", "PIDs")))


def _number(text: str) -> float | None:
    with suppress(ValueError):
        return float(text)
    return None
