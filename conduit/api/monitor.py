"""How this machine and every declared server are doing, asked side by side within one limit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from platform import node
from typing import Any, Final

from conduit.api.desk import Desk
from conduit.api.envelopes import table
from conduit.providers.machine import Container, Usage, local
from conduit.providers.ssh_machine import remote

SECONDS: Final = 12.0
"""All machines together; an answer leaves within 15 s."""
LOCAL: Final = "local"
LOOKERS: Final = ThreadPoolExecutor(64, "machines")
"""Threads that wait for other machines, and hold up nothing else when those hang."""
GIB: Final = 2**30


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine: what it uses, or in `problem` why that is not known."""

    id: str
    name: str
    host: str
    usage: Usage | None
    problem: str = ""


async def look(desk: Desk, servers: Mapping[str, Any], only: str = "", *, containers: bool = True) -> list[Machine]:
    """Look at this machine and at `servers` (specs by name), or at one of them. One that is down delays no other.

    Docker measures for a second or two how busy `containers` are; without them this machine is told at once.
    """
    asked = {LOCAL: _local(desk, containers=containers)} | {
        name: _remote(desk, name, spec) for name, spec in servers.items()
    }
    chosen = [work for name, work in asked.items() if only in ("", name)]
    for name, work in asked.items():
        if only not in ("", name):
            work.close()
    return list(await asyncio.gather(*chosen))


async def _local(desk: Desk, *, containers: bool) -> Machine:
    section = desk.settings.sections.get("docker") if containers else None
    docker = None if section is None else f"unix://{Path((section or {}).get('socket') or '/var/run/docker.sock')}"
    try:
        usage, problem = await asyncio.wait_for(asyncio.to_thread(local, docker), SECONDS), ""
    except (OSError, TimeoutError) as error:
        usage, problem = None, str(error) or "no answer in time"
    return Machine(LOCAL, node(), "127.0.0.1", usage, problem)


async def _remote(desk: Desk, name: str, spec: Any) -> Machine:
    def work() -> Usage:
        key = desk.reader.secrets.get(spec.key.name)
        return remote(spec.host, spec.port, spec.user, spec.host_key, key)

    looking = asyncio.get_running_loop().run_in_executor(LOOKERS, work)
    try:
        return Machine(name, name, spec.host, await asyncio.wait_for(looking, SECONDS))
    except Exception as error:  # noqa: BLE001 - whatever it is, this server is down and the others are told
        return Machine(name, name, spec.host, None, str(error) or "no answer in time")


def document(machine: Machine) -> dict[str, Any]:
    """Return one machine as data: bytes, percent, seconds."""
    head = {"id": machine.id, "name": machine.name, "host": machine.host}
    usage = machine.usage
    if usage is None:
        return {**head, "status": "down", "error": machine.problem}
    return {
        **head,
        "status": "online",
        **asdict(usage),
        "memory_percent": round(100 * usage.memory_used / max(1, usage.memory_total), 1),
        "disk_percent": round(100 * usage.disk_used / max(1, usage.disk_total), 1),
    }


def text(machine: Machine) -> str:
    """Return one machine as the monitor prints it."""
    usage = machine.usage
    if usage is None:
        return f"Host: {machine.name}\nStatus: down ({machine.problem})\n"
    load = " ".join(f"{each:.2f}" for each in usage.load)
    days, rest = divmod(int(usage.uptime), 86400)
    lines = [
        f"Host: {machine.name}",
        f"Uptime: up {days} days, {rest // 3600}:{rest % 3600 // 60:02}",
        f"\n--- CPU ---\nCores: {usage.cpu_cores}\nLoad: {load}\nUsage: {usage.cpu_percent}%",
        f"\n--- Memory ---\n{_of(usage.memory_used, usage.memory_total)}",
        f"\n--- Disk ---\n{_of(usage.disk_used, usage.disk_total)}",
    ]
    lines += (
        ["\n--- GPU ---", *(f"{g.name}: {g.utilization}%, {g.temperature} C" for g in usage.gpus)] if usage.gpus else []
    )
    return "\n".join(lines) + "\n"


def containers_text(containers: tuple[Container, ...]) -> str:
    """Return containers as `docker stats` prints them."""
    head = ("NAME", "CPU%", "MEM USAGE/LIMIT", "NET I/O", "PIDS")
    return table(head, *((c.name, c.cpu, c.memory, c.network, c.pids) for c in containers))


def _of(used: int, total: int) -> str:
    return f"{used / GIB:.1f} GiB of {total / GIB:.1f} GiB ({100 * used / max(1, total):.0f}%)"
