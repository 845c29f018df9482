"""Checkpoints: signed statements of how far the trail goes, and what its last hash is.

A stub is the same of entries that are gone: those that were kept long enough, or that somebody set aside.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict, replace

from conduit.audit.key import AuditKey, PublicKey
from conduit.canonical import canonical
from conduit.chain import START, Chain
from conduit.chain_writer import Writer
from conduit.measures import rfc3339
from conduit.providers.files import read_regular, write_file

CHECKPOINT: Final = "checkpoint"
STUB: Final = "stub"
EVERY: Final = 100
"""The most entries that no checkpoint covers."""
LOST: Final = "lost"
"""The reason of a stub that conduit wrote when it found no trail where there had been one."""
LIMIT: Final = 4096


class Signed(Struct, frozen=True):
    """One signed statement about the entries up to number `entry`, whose last hash is `hash`.

    `reason` is "" for a checkpoint; of a stub it tells why the entries are gone. `time` is RFC 3339.
    """

    what: str
    site: str
    entry: int
    hash: str
    time: str
    reason: str = ""
    signature: str = ""

    def text(self) -> str:
        """Return it as one line of JSON."""
        return canonical(asdict(self))

    def holds(self, public: PublicKey) -> bool:
        """Whether it was signed by the site of this key, and says what it said then."""
        return public.holds(self.what, _said(self), self.signature)


NOTHING: Final = Signed(STUB, "", 0, START, "")
"""The stub of a trail that has all its entries."""


def sign(key: AuditKey, what: str, site: str, last: tuple[int, str], reason: str = "") -> Signed:
    """Return a statement of now about the entries up to `last`, a number and a hash."""
    found = Signed(what, site, *last, rfc3339(time.time()), reason)
    return replace(found, signature=key.sign(what, _said(found)))


def parse(text: str | bytes, what: str) -> Signed | None:
    """Return a statement from its JSON, None for anything else."""
    try:
        found = Signed(**json.loads(text))
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (found.site, found.hash, found.time, found.reason, found.signature)
    good = found.what == what and type(found.entry) is int and all(isinstance(each, str) for each in texts)
    return found if good else None


class Checkpoints:
    """The checkpoints of one trail, a chain of their own beside it. Opening does no I/O."""

    def __init__(self, directory: Path) -> None:
        self.chain = Chain(directory / "checkpoints")

    def add(self, checkpoint: Signed) -> None:
        """Write one down. Raises OSError."""
        writer = Writer(self.chain)
        try:
            writer.append(0, CHECKPOINT, asdict(checkpoint))
        finally:
            writer.close()

    def newest(self) -> Iterator[Signed]:
        """Yield the checkpoints from the last to the first. Raises OSError."""
        found = (parse(canonical(entry.data), CHECKPOINT) for entry in self.chain.newest())
        return (each for each in found if each)


def read_stub(directory: Path) -> Signed:
    """Return the stub of a trail, `NOTHING` when it has all its entries. Raises OSError; a damaged one has entry -1."""
    try:
        content = read_regular(directory / "stub.json", LIMIT)
    except FileNotFoundError:
        return NOTHING
    return parse(content, STUB) or replace(NOTHING, entry=-1)


def write_stub(directory: Path, stub: Signed) -> None:
    """Let a trail begin after the entries a stub speaks of. Raises OSError."""
    write_file(directory / "stub.json", stub.text().encode() + b"\n")


def _said(found: Signed) -> dict[str, Any]:
    return {name: value for name, value in asdict(found).items() if name not in ("what", "signature")}
