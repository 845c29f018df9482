"""Generations: which writing of a file this is, as the file and the daemon that loaded it tell. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from msgspec import Struct


class Generation(Struct, frozen=True):
    """Which writing of a file this is: a hash of its body (16 hex digits), and its stamp, also the file's mtime in ns.

    The stamp is there because a hash alone lies when a hand edit is told to the daemon and taken back, or keeps the
    hash.
    """

    hash: str
    stamp: int

    @classmethod
    def of(cls, body: str, stamp: int) -> Generation:
        """Return the generation of a body written at `stamp`."""
        return cls(_hash(body), stamp)

    @classmethod
    def read(cls, digits: str) -> Generation | None:
        """Read the 32 hex digits that a daemon or a file holds; None for anything else."""
        return cls(digits[:16], int(digits[16:], 16)) if re.fullmatch(r"[0-9a-f]{32}", digits) else None

    def __str__(self) -> str:
        return f"{self.hash}{self.stamp:016x}"


@lru_cache(maxsize=4)
def _hash(body: str) -> str:
    """A body is looked at several times, and once more when it was written."""
    return blake2b(body.encode(), digest_size=8).hexdigest()


class File(NamedTuple):
    """A generated file: its bytes, its mtime in ns, its body and the generation it says it has."""

    raw: bytes
    mtime: int
    body: str
    generation: Generation | None

    def fault(self, served: Generation | None, daemon: str) -> str:
        """Return how this file is not what the daemon of that name serves; empty when it is."""
        if self.generation is None or Generation.of(self.body, self.mtime) != self.generation:
            return "was changed by hand"
        return "" if served == self.generation else f"is not the one {daemon} serves"
