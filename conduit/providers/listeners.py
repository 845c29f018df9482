"""Who listens on a port: asked before a daemon is told to open one, so that the answer can name the holder.

Reads /proc/net/tcp and tcp6 (proc_pid_net(5)); a socket in state 0A listens. The kernel tells those before all
connections (net/ipv4/tcp_ipv4.c, tcp_seq_next), of which a proxy has tens of thousands: none of them is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Final

from msgspec import Struct

LISTEN: Final = "0A"


class Holder(Struct, frozen=True):
    """A process that listens; `name` is what the kernel calls it."""

    pid: int
    name: str


def holder(port: int) -> Holder | None:
    """Return a process of this network namespace that listens on a TCP port, None when there is none to be seen."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    return next(_owners(sockets), None) if sockets else None


def _inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError), open(table, encoding="ascii") as lines:
            next(lines)
            for fields in takewhile(lambda fields: fields[3] == LISTEN, map(str.split, lines)):
                if int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _owners(sockets: set[str]) -> Iterator[Holder]:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if any(str(descriptor.readlink()) in sockets for descriptor in (process / "fd").iterdir()):
                yield Holder(int(process.name), (process / "comm").read_text().strip())
