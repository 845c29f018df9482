"""What the generated pages are put together from: tables, those of a model's fields above all, and wrapped text."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from conduit.show.explained import type_words


class Row(NamedTuple):
    """One line of a table of fields."""

    path: str
    type: str
    default: str
    meaning: str


def fields_table(model: type[BaseModel]) -> str:
    """Return the table of a model's fields, with those of the mappings in it."""
    schema = model.model_json_schema()
    rows = [[f"`{r.path}`", r.type, r.default, r.meaning] for r in _rows(schema, schema.get("$defs", {}))]
    return table(["Field", "Type", "Default", "Meaning"], rows)


def _rows(schema: Mapping[str, Any], defs: Mapping[str, Any], path: str = "") -> Iterator[Row]:
    """Yield the fields of a schema, each followed by the fields inside it."""
    for name, field in schema.get("properties", {}).items():
        inside = list(_objects(field, defs))
        meaning = field.get("description") or " ".join(each.get("description", "") for each in inside)
        default = "required" if name in schema.get("required", ()) else _default(field.get("default"))
        yield Row(path + name, type_words(field, defs), default, meaning)
        for each in inside:
            yield from _rows(each, defs, f"{path}{name}{_step(field)}")


def _objects(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings with fields of their own that a schema may hold: itself, its choices, its items."""
    if "$ref" in schema:
        yield from _objects(defs[schema["$ref"].rpartition("/")[2]], defs)
    elif schema.get("properties") and "secret" not in schema["properties"]:
        yield schema
    values = schema.get("additionalProperties")
    inner = [*schema.get("anyOf", ()), schema.get("items"), values if isinstance(values, dict) else None]
    for each in filter(None, inner):
        yield from _objects(each, defs)


def _step(schema: Mapping[str, Any]) -> str:
    """Return what stands between a field and the fields inside it."""
    if schema.get("type") == "array":
        return "[]."
    return ".NAME." if isinstance(schema.get("additionalProperties"), dict) else "."


def _default(value: Any) -> str:
    if value in (None, [], {}, ""):
        return "none"
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def table(head: list[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def wrapped(text: str) -> str:
    """Return text in lines as long as those of the other pages."""
    return "\n".join(textwrap.wrap(text, 116, break_long_words=False, break_on_hyphens=False))
