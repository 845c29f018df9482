"""Other people's nginx files beside ours: what they serve, as far as that is easy to read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from conduit.evidence import Evidence
from conduit.model import Key, Live
from conduit.providers.nginx_files import VHOSTS

Servers = list[tuple[str, str, int]]
"""Host names that somebody else serves, each with its file and line."""


class Others(Struct, frozen=True):
    """Other people's files beside ours: their contents, and what else was seen of them."""

    contents: Mapping[Path, bytes]
    evidence: tuple[Evidence, ...]

    def servers(self) -> Iterator[tuple[str, str, int]]:
        """Yield the host names they serve: name, file and line."""
        for path, raw in self.contents.items():
            yield from read_elsewhere(raw.decode(errors="replace"), str(path))


def read_elsewhere(text: str, file: str) -> Iterator[tuple[str, str, int]]:
    """Read the host names of somebody else's servers, as far as they are easy to read: name, file and line."""
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].strip().rstrip(";").split()
        if words[:1] == ["server_name"]:
            yield from ((host, file, number) for host in words[1:] if re.fullmatch(r"[A-Za-z0-9.*-]+", host))


def foreign(servers: Servers) -> Iterable[Live]:
    """Return other people's servers; none can be taken over, because it stands in a file of theirs."""
    for host, file, line in servers:
        key = Key(VHOSTS, host.replace("*", "any").replace(".", "-").strip("-_").lower() or "any")
        yield Live(key, f"{file}:{line} {host}", {"names": [host]}, owned=False, place=f"{file}:{line}")


def shadowed(ours: Collection[str], servers: Servers) -> Iterable[str]:
    """Yield a warning for each name of ours that another file serves too: nginx takes the one it reads first."""
    for host, file, line in servers:
        if host.lower() in ours:
            yield f"{host} is also served by {file}:{line}; nginx takes the one it reads first"
