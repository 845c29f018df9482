"""The tally of self.db: a small file in the state directory that tells when an older self.db was put back.

Each change counts up a number that both files hold. A self.db whose number is behind came out of a backup: sessions
that ended since would go on in it, and keys that were revoked since would be valid. The state directory is in no backup
of the keys. Without a tally nothing can be told, which is taken for the worst.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from msgspec import Struct

from conduit.errors import Code, Diagnostic, Unreadable
from conduit.providers.files import make_directory, read_regular, write_file

TALLY_DAMAGED = Code(
    "CND-2303",
    "the tally of the users is damaged",
    "self.tally in the state directory tells whether self.db is as new as it was when it was written last. It holds "
    "something else now. Delete it: then everybody has to log in again, and keys that were revoked after the newest "
    "backup you put back have to be revoked again.",
)
FILE: Final = "self.tally"
LIMIT: Final = 4 * 1024 * 1024


class Seen(Struct, frozen=True):
    """The number of the last change, and the ids of all keys that were ever revoked or deleted."""

    number: int
    revoked: frozenset[str] = frozenset()


class Tally:
    """The tally at a path. Opening one does no I/O."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Seen | None:
        """Return what was seen last, None when there is no tally. Raises `Unreadable` for a damaged one."""
        try:
            found = json.loads(read_regular(self.path, LIMIT))
            return Seen(int(found["number"]), frozenset(map(str, found["revoked"])))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, OSError) as error:
            summary = f"{self.path} cannot be read: {error}"
            raise Unreadable(Diagnostic(TALLY_DAMAGED, summary, hint="delete it; all have to log in again")) from error

    def write(self, seen: Seen) -> None:
        """Write down what is seen now, durably. Raises OSError."""
        make_directory(self.path.parent)
        text = json.dumps({"number": seen.number, "revoked": sorted(seen.revoked)})
        write_file(self.path, text.encode())
