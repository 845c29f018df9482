"""What differs in one change, as text: fields as `old → new`, else a raw diff."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from conduit.change import Action, Change, FieldChange
from conduit.model import FRAME, UNRESOLVED, Late
from conduit.show.text import View, escape, folded, folded_pair
from conduit.show.visible import HIDDEN, fields_of, immutable_fields, raw_of


def detail_lines(change: Change, view: View) -> Iterator[str]:
    """Yield why a change is a replacement, its reason, each field it touches, and its raw diff."""
    if change.action is Action.REPLACE and (fields := immutable_fields(change)):
        yield f"        replaced, because {' and '.join(fields)} cannot change in place"
    if change.diff.reason:
        yield f"        {escape(change.diff.reason)}"
    if change.key.kind == FRAME and change.live is None and view.verbosity < 1:
        return
    for field in fields_of(change):
        yield from _field_lines(field, view)
    for line in raw_of(change):
        yield "        " + _raw_line(line, view)


def _field_lines(field: FieldChange, view: View) -> Iterator[str]:
    path = f"        {escape(field.path):<12} "
    if field.old is UNRESOLVED:
        yield path + folded(value_text(field.new), view.fold * 2)
    elif isinstance(field.old, str) and isinstance(field.new, str) and "\n" in field.old + field.new:
        yield path.rstrip()
        for line in difflib.unified_diff(
            field.old.splitlines(), field.new.splitlines(), "live", "declared", lineterm=""
        ):
            yield "          " + _raw_line(line, view)
    else:
        old, new = folded_pair(value_text(field.old), value_text(field.new), view.fold)
        yield f"{path}{old} → {new}"


def value_text(value: Any) -> str:
    """Return a visible value (see `conduit.show.visible`) in one line of YAML-like text."""
    if isinstance(value, str):
        return escape(json.dumps(value, ensure_ascii=False))
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{escape(str(name))}: {value_text(item)}" for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(value_text, value)) + "]"
    if value is UNRESOLVED:
        return "(none)"
    if value is HIDDEN:
        return "(secret)"
    return "(known after apply)" if isinstance(value, Late) else escape(str(value))


def edit_lines(file: str, before: str, after: str, view: View) -> Iterator[str]:
    """Yield what an edit changes in the text of a file, as git shows it."""
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{file}", f"b/{file}", lineterm=""):
        yield _raw_line(line, view)


def _raw_line(line: str, view: View) -> str:
    role = {"+": "create", "-": "delete", "@": "dim"}.get(line[:1])
    text = escape(line.expandtabs(4))
    return view.style(role, text) if role else text
