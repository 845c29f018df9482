"""The tables of self.db inside one transaction, row by row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from conduit.providers.self_rows import TABLES, R, Row, Session, row_of, stored


class Tables:
    """The tables inside one transaction. Conditions are columns and the values they must have."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sort: type[R], **where: Any) -> list[R]:
        """Return the rows that meet every condition, in the order of their keys."""
        columns, table = ", ".join(sort._fields), TABLES[sort]
        query = f"SELECT {columns} FROM {table}{_where(sort, where)} ORDER BY 1"  # noqa: S608 - names of our own
        return [row_of(sort, each) for each in self._connection.execute(query, where)]

    def find(self, sort: type[R], **where: Any) -> R | None:
        """Return the first such row, None when there is none."""
        return next(iter(self.rows(sort, **where)), None)

    def put(self, row: Row) -> None:
        """Store a row, new or in place of the one with its key."""
        columns, values = ", ".join(row._fields), ", ".join("?" * len(row))
        command = f"INSERT OR REPLACE INTO {TABLES[type(row)]} ({columns}) VALUES ({values})"  # noqa: S608 - our own
        self._connection.execute(command, [*map(stored, row)])

    def delete(self, sort: type[Row], **where: Any) -> int:
        """Delete the rows that meet every condition and return how many there were."""
        command = f"DELETE FROM {TABLES[sort]}{_where(sort, where)}"  # noqa: S608 - names of our own
        return self._connection.execute(command, where).rowcount

    @property
    def number(self) -> int:
        """How many times anything was changed."""
        (found,) = self._connection.execute("SELECT number FROM changes").fetchone()
        return int(found)

    def count_up(self, number: int) -> None:
        """Set the number of the last change."""
        self._connection.execute("UPDATE changes SET number = ?", [number])

    def usable_keys(self) -> frozenset[str]:
        """Return the ids of the keys that are not revoked."""
        return frozenset(id_ for (id_,) in self._connection.execute("SELECT id FROM keys WHERE active"))

    def end_again(self, revoked: Iterable[str]) -> None:
        """End what a backup brought back: every session, and the keys that were revoked since."""
        self.delete(Session)
        self._connection.executemany("UPDATE keys SET active = 0 WHERE id = ?", [[id_] for id_ in revoked])


def _where(sort: type[Any], where: dict[str, Any]) -> str:
    """Return a condition over the columns of a table; a name that is none is a mistake in conduit."""
    unknown = where.keys() - set(sort._fields)
    if unknown:
        raise TypeError(f"{sort.__name__} has no {', '.join(sorted(unknown))}")
    return " WHERE " + " AND ".join(f"{column} = :{column}" for column in where) if where else ""
