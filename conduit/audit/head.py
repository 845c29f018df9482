"""Number and hash of the last entry, kept beside the keys: who can only reach the trail cannot cut its end unseen.

It is written after each entry, in place, so it costs next to nothing; a power cut can leave it behind the trail, never
ahead of it. One that is missing or damaged proves nothing, which `conduit audit verify` tells.
"""

from __future__ import annotations

import hmac
import json
import os
from pathlib import Path
from typing import Final, NamedTuple

from conduit.audit.key import AuditKey
from conduit.canonical import canonical
from conduit.providers.files import read_regular

NAME: Final = "audit.head"
LIMIT: Final = 4096


class Head(NamedTuple):
    """The last entry."""

    entry: int
    hash: str


class HeadFile:
    """The file that holds the head of one site's trail. Opening does no I/O."""

    def __init__(self, directory: Path, key: AuditKey) -> None:
        self.path, self._key = directory / NAME, key

    def read(self) -> Head | None:
        """Return the head, None when there is none that this site wrote. Raises OSError."""
        try:
            record = json.loads(read_regular(self.path, LIMIT))
            head = Head(record["entry"], record["hash"])
            good = hmac.compare_digest(record["mac"], self._mac(head))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            return None
        return head if good else None

    def write(self, head: Head) -> None:
        """Replace the head. Raises OSError."""
        line = canonical({**head._asdict(), "mac": self._mac(head)}).encode() + b"\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.pwrite(descriptor, line, 0)
            os.ftruncate(descriptor, len(line))
        finally:
            os.close(descriptor)

    def _mac(self, head: Head) -> str:
        return self._key.mac(f"head {head.entry} {head.hash}".encode()).decode()
