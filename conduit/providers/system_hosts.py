"""The names in /etc/hosts (hosts(5)), which a DNS server of this machine may answer too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from conduit.providers.files import read_regular

FILE: Final = Path("/etc/hosts")
LIMIT: Final = 2**20


def entries() -> Iterator[tuple[str, str]]:
    """Yield each name with its address; nothing when the file cannot be read."""
    with suppress(OSError):
        for line in read_regular(FILE, LIMIT).decode(errors="replace").splitlines():
            address, *names = line.partition("#")[0].split() or [""]
            with suppress(ValueError):
                yield from ((name, str(ip_address(address))) for name in names)
