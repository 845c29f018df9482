"""The audit trail: who did what and whether it worked, hash-chained on disk before the answer leaves.

It fails closed: `append` raises when the entry is not on disk, and callers look with `require` before they change
anything.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from typing import Any, Final

from conduit.chain import Chain, Entry, Writer
from conduit.errors import Code, Diagnostic, Unreadable
from conduit.providers.files import make_directory

UNWRITABLE = Code(
    "CND-2101",
    "the audit trail cannot be written",
    "A change that cannot be written down is not made. Free space in the state directory or repair its permissions, "
    "then send the request again. Reading goes on meanwhile.",
)

SUCCESS: Final = "success"
FAILURE: Final = "failure"
LONGEST: Final = 2000
"""Characters kept of a message."""


@dataclass(frozen=True, slots=True)
class Act:
    """One entry: what was done (`action`), whether it worked, in words, by whom and from where."""

    action: str
    status: str
    message: str
    user: str
    address: str = ""


class Audit:
    """The trail in one directory. Opening one does no I/O; one process writes."""

    def __init__(self, directory: Path) -> None:
        self._chain = Chain(directory)
        self._lock = threading.Lock()
        self._writer: Writer | None = None

    def require(self) -> None:
        """Raise `Unreadable` when nothing could be written down now: then nothing may be changed."""
        try:
            make_directory(self._chain.directory)
        except OSError as error:
            raise _unwritable(error) from error
        if not os.access(self._chain.directory, os.W_OK):
            raise _unwritable(PermissionError(13, "permission denied"))

    def append(self, act: Act, details: Mapping[str, Any] | None = None) -> None:
        """Write one entry and wait until it is on disk. Raises `Unreadable`."""
        data = {
            "action": act.action,
            "status": act.status,
            "message": act.message[:LONGEST],
            "user": act.user,
            "address": act.address,
            "details": dict(details or {}),
        }
        with self._lock:
            try:
                self._writer = self._writer or Writer(self._chain)
                self._writer.append(0, act.action, data)
            except OSError as error:
                self._writer = None
                raise _unwritable(error) from error

    def newest(self, limit: int) -> list[Entry]:
        """Return up to `limit` entries, newest first."""
        return list(islice(self._chain.newest(), limit))

    def since(self, number: int) -> list[Entry]:
        """Return the entries after the one of this number, oldest first."""
        return list(takewhile(lambda entry: entry.seq > number, self._chain.newest()))[::-1]

    @property
    def total(self) -> int:
        """How many entries there are: the number of the last one."""
        last = next(self._chain.newest(), None)
        return last.seq if last else 0


def _unwritable(error: OSError) -> Unreadable:
    summary = f"the audit trail cannot be written: {error.strerror or error}"
    return Unreadable(Diagnostic(UNWRITABLE, summary, hint="free space in the state directory, then try again"))
