"""Clears away what a dockerd that ended leaves behind: processes, mounts, bridges, control groups."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

DEADLINE = 10.0
"""Seconds killed processes may take to be gone."""


def sweep(running: str, data: str, group: str, network: str) -> None:
    """Clear away what belongs to one dockerd; its containers, images and volumes stay in its data.

    `running` is the directory of its sockets, `data` that of its data, `group` its control group, `network` the range
    of all its networks. Raises TimeoutError, subprocess.SubprocessError.
    """
    end_processes(Path(running), group)
    unmount(Path(running), Path(data))
    remove_bridges(IPv4Network(network))
    remove_groups(group)
    if running != data:
        shutil.rmtree(running, ignore_errors=True)


def processes(running: Path, group: str) -> Iterator[int]:
    """Yield the containerd of this dockerd, its shims, and the processes in its containers."""
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (directory / "cmdline").read_bytes()
            inside = any(f"/{group}/" in line for line in (directory / "cgroup").read_text().splitlines())
            if inside or f"{running}/exec/containerd/".encode() in command:
                yield int(directory.name)


def end_processes(running: Path, group: str) -> None:
    """Kill what is left until nothing is; raises TimeoutError."""
    deadline = time.monotonic() + DEADLINE
    while left := list(processes(running, group)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"still running after {DEADLINE:g} s: {left}")
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def unmount(*directories: Path) -> None:
    """Unmount everything at and below the directories, the innermost first."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    own = [point for point in points if any(Path(point).is_relative_to(each) for each in directories)]
    for point in reversed(own):
        subprocess.run([program("umount"), "--lazy", "--", point], check=True, timeout=DEADLINE)


def remove_bridges(network: IPv4Network) -> None:
    """Remove the bridges that Docker made for networks of this range; it makes them again when it starts."""
    listed = subprocess.run(
        [program("ip"), "-json", "-4", "address", "show"], capture_output=True, check=True, timeout=DEADLINE
    )
    for link in json.loads(listed.stdout):
        inside = any(IPv4Address(address["local"]) in network for address in link.get("addr_info", ()))
        if inside and link["ifname"].startswith("br-"):
            subprocess.run([program("ip"), "link", "delete", "dev", link["ifname"]], check=True, timeout=DEADLINE)


def remove_groups(group: str) -> None:
    """Remove the empty control groups, of every controller where there is more than one hierarchy."""
    for top in Path("/sys/fs/cgroup").glob(f"*/{group}"), Path("/sys/fs/cgroup").glob(group):
        for directory in top:
            for path, _, _ in os.walk(directory, topdown=False):
                with suppress(OSError):
                    Path(path).rmdir()


def program(name: str) -> str:
    """Return the path of a program of the system; raises FileNotFoundError."""
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if found is None:
        raise FileNotFoundError(f"{name} is not installed")
    return found
