"""The trail as one JSON array or as CSV (RFC 4180), part by part. Pure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from conduit.audit.events import event_of
from conduit.chain import Entry

COLUMNS: Final = (
    *("id", "event_id", "timestamp", "actor_type", "actor_id", "action", "method", "path", "resource_type"),
    *("resource_id", "client_ip", "response_status", "response_time_ms", "success", "error_message"),
)
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet compute a cell (https://owasp.org/www-community/attacks/CSV_Injection)."""


def exported(entries: Iterable[Entry], form: str) -> Iterator[str]:
    """Yield an export in parts; `form` is "json", an indented array of events, or "csv"."""
    events = map(event_of, entries)
    return _csv(events) if form == "csv" else _json(events)


def _json(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    before = "[\n"
    for event in events:
        text = json.dumps(event, indent=2)
        yield before + "  " + text.replace("\n", "\n  ")
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _csv(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    yield _line(COLUMNS)
    for event in events:
        yield _line([_cell(event.get(column, "")) for column in COLUMNS])


def _cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue()
