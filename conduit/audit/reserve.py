"""Space that is kept for what must be written down when the disk is full: a file that is given up then.

A change begins only while the reserve is there, so the entry that tells how it ended has room.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from conduit.providers.files import remove_file, write_file

SIZE: Final = 1024 * 1024
"""Room for many entries: the longest are some 40 KiB."""
FULL: Final = (errno.ENOSPC, errno.EDQUOT)


class Reserve:
    """The reserve in one directory. Opening does no I/O."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "reserve"

    def fill(self) -> None:
        """Make sure that it is there. Raises OSError when there is no space for it."""
        if not self._path.exists() or self._path.stat().st_size != SIZE:
            from secrets import token_bytes

            write_file(self._path, token_bytes(SIZE))

    def give_up(self, error: OSError) -> bool:
        """Free the space when that may help against `error`; tell whether it was done."""
        if error.errno not in FULL or not self._path.exists():
            return False
        remove_file(self._path)
        return True
