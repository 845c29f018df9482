"""self.db as it is written. It is live state like that of a daemon, to be backed up.

A commit is durable when it returns, and every process sees it at once.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conduit.providers.files import TEMPORARY, make_directory, sync_directory
from conduit.providers.self_place import place_of
from conduit.providers.self_reader import SelfReader
from conduit.providers.self_rows import STEPS, VERSION
from conduit.providers.self_tables import Tables
from conduit.providers.self_tally import FILE as TALLY
from conduit.providers.self_tally import Seen, Tally
from conduit.settings import Settings


class SelfStore(SelfReader):
    """self.db of one site; the file appears with the first row."""

    def __init__(self, path: Path, tally: Path) -> None:
        super().__init__(path)
        self._tally = Tally(tally)

    @contextmanager
    def writing(self) -> Iterator[Tables]:
        """Give the tables to change, alone; all of it counts when the block ends, nothing when it raises.

        Raises `Unreadable`.
        """
        self._create()
        with self._transaction("BEGIN IMMEDIATE") as tables:
            if tables is None:
                raise self._unreadable("it vanished")
            seen = self._tally.read()
            revoked = seen.revoked if seen else frozenset()
            if _is_behind(tables, seen):
                tables.end_again(revoked)
            usable = tables.usable_keys()
            yield tables
            last = Seen(max(tables.number, seen.number if seen else 0) + 1, revoked | (usable - tables.usable_keys()))
            tables.count_up(last.number)
            self._tally.write(last)

    def settle(self) -> None:
        """End what an older file brought back when it was put in place of a newer one. Raises `Unreadable`, OSError."""
        with self.reading() as tables:
            behind = tables is not None and _is_behind(tables, self._tally.read())
        if behind:
            with self.writing():
                pass

    def _create(self) -> None:
        """Make the file with its tables unless it is there; it gets its name when it is whole."""
        if self.exists:
            return
        draft = self.path.with_name(f"{TEMPORARY}{self.path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")
        try:
            make_directory(self.path.parent)
            os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            connection = sqlite3.connect(draft)
            connection.executescript(f"{''.join(STEPS)} PRAGMA user_version = {VERSION};")
            connection.close()
            os.link(draft, self.path)
            sync_directory(self.path.parent)
        except FileExistsError:
            return
        except (sqlite3.Error, OSError) as error:
            raise self._unreadable(f"it cannot be made: {error}") from error
        finally:
            draft.unlink(missing_ok=True)


def open_store(settings: Settings) -> SelfStore:
    """Return self.db of a site, beside its keys."""
    return SelfStore(place_of(settings), settings.path(settings.state_dir) / TALLY)


def _is_behind(tables: Tables, seen: Seen | None) -> bool:
    """Whether the file is older than the last one that was written, as far as anybody can tell."""
    return tables.number > 0 if seen is None else tables.number < seen.number
