"""The tables of the records database, made in numbered steps: an older database takes those that it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlite3 import Connection

    from conduit.records import Steps

FIRST: Final = (
    "CREATE TABLE IF NOT EXISTS applied (key TEXT PRIMARY KEY, native TEXT NOT NULL, at TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS runs (
        id INTEGER PRIMARY KEY, started TEXT NOT NULL, finished TEXT NOT NULL, operation TEXT NOT NULL,
        result TEXT NOT NULL, digest TEXT NOT NULL, "commit" TEXT NOT NULL, summary TEXT NOT NULL,
        outcomes TEXT NOT NULL
    )""",
    "CREATE TABLE IF NOT EXISTS unproven (key TEXT PRIMARY KEY) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS reverted (
        root TEXT PRIMARY KEY, digest TEXT NOT NULL, run INTEGER NOT NULL, at TEXT NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS started (run INTEGER PRIMARY KEY, manifests TEXT NOT NULL, keys TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS pins (run INTEGER, key TEXT, pin TEXT NOT NULL, PRIMARY KEY (key, run)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS drift (key TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID",
)


def _first(connection: Connection) -> None:
    """Make what is missing; a database without a number may have some of it already."""
    for statement in FIRST:
        connection.execute(statement)
    if "files" not in {name for _, name, *_ in connection.execute("PRAGMA table_info (started)")}:
        connection.execute("ALTER TABLE started ADD COLUMN files TEXT NOT NULL DEFAULT ''")


def _secrets(connection: Connection) -> None:
    """Which secrets a run used, as their fingerprints by name."""
    connection.execute("ALTER TABLE started ADD COLUMN secrets TEXT NOT NULL DEFAULT '{}'")


STEPS: Final[Steps] = (_first, _secrets)
"""Step n leads from version n to n + 1. One that a release has taken stays as it is; what is new is a step more."""
