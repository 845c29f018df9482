"""Rows of a store as a table, or as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conduit.cli.app import App
from conduit.measures import rfc3339
from conduit.show.text import columns, escape


def show_rows(app: App, what: str, found: Iterable[Mapping[str, Any]]) -> None:
    """Print rows that have the same names in the same order; none print nothing."""
    rows = list(found)
    if app.json:
        from conduit.plan_json import document

        app.console.document(document(what, **{what: rows}))
    elif rows:
        cells = [[escape(_word(value)) for value in row.values()] for row in rows]
        app.console.lines(columns([[name.upper().replace("_", " ") for name in rows[0]], *cells]))


def instant(epoch: float | None) -> str | None:
    """Return a time in UTC, to the second."""
    return None if epoch is None else rfc3339(epoch)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "never" if value is None else str(value)
