"""Kinds, their fields and the error codes as text: what `kinds` and `explain` print."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conduit.errors import Code
from conduit.kind import Kind
from conduit.show.text import View, columns

SIZES = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "minLength": "length >=", "maxLength": "length <="}


def kinds_lines(kinds: Iterable[Kind[Any]]) -> list[str]:
    """Return a table of all kinds."""
    rows = [[kind.name, f"{kind.plural}:", kind.provider or "composite", summary_of(kind)] for kind in kinds]
    return columns([["KIND", "IN YAML", "PROVIDER", "WHAT IT IS"], *rows])


def summary_of(kind: Kind[Any]) -> str:
    """Return the first sentence of a kind's docstring."""
    return (inspect.getdoc(type(kind)) or "").partition("\n")[0]


def kind_lines(kind: Kind[Any], view: View) -> Iterator[str]:
    """Yield what a kind is and a table of its fields."""
    schema = kind.spec.model_json_schema()
    where = f"on {kind.provider}" if kind.provider else "composite: expands into other kinds"
    yield view.style("bold", f"{kind.name}  ({kind.plural}:, {where})")
    yield from textwrap.wrap(" ".join((inspect.getdoc(type(kind)) or "").split()), min(view.width, 100))
    yield ""
    yield from columns(_rows(schema, schema.get("$defs", {})))
    yield f"One field: conduit explain {kind.name}.FIELD"


def field_lines(kind: Kind[Any], path: str, view: View) -> Iterator[str]:
    """Yield one field, and the fields inside it. Raises KeyError when there is no such field."""
    root = kind.spec.model_json_schema()
    defs = root.get("$defs", {})
    schema, required = root, False
    for part in path.split("."):
        holder = _object(schema, defs)
        schema, required = holder["properties"][part], part in holder.get("required", ())
    yield view.style("bold", f"{kind.name}.{path}")
    yield f"  type     {type_words(schema, defs)}"
    yield "  required" if required else f"  default  {_default(schema)}"
    inside = _object(schema, defs)
    words = schema.get("description") or inside.get("description", "")
    yield from textwrap.wrap(words, min(view.width, 100), initial_indent="  ", subsequent_indent="  ")
    if inside.get("properties"):
        yield from ("", *columns(_rows(inside, defs)))


def code_lines(code: Code, view: View) -> Iterator[str]:
    """Yield the long text of an error code."""
    yield view.style("bold", f"{code.id}: {code.title}")
    yield from textwrap.wrap(code.explanation, min(view.width, 100))


def type_words(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> str:
    """Return the type of a JSON schema in a few words."""
    if "$ref" in schema:
        target = defs[schema["$ref"].rpartition("/")[2]]
        return "mapping" if target.get("type") == "object" else type_words(target, defs)
    if "const" in schema or "enum" in schema:
        return " | ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(type_words(choice, defs) for choice in choices))
    if schema.get("type") == "array":
        return f"list of {type_words(schema.get('items', {}), defs)}"
    if schema.get("type") == "object" and "secret" in schema.get("properties", {}):
        return "{secret: NAME}"
    words = {"object": "mapping", "null": "nothing"}.get(schema.get("type", ""), schema.get("type", "any"))
    limits = [f"{sign} {schema[name]}" for name, sign in SIZES.items() if name in schema]
    return f"{words} ({', '.join(limits)})" if limits else str(words)


def _rows(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Iterator[list[str]]:
    required = schema.get("required", ())
    yield ["FIELD", "TYPE", "DEFAULT", "WHAT IT IS"]
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else _default(field)
        description = field.get("description") or _object(field, defs).get("description", "")
        yield [name, type_words(field, defs), default, description.partition("\n")[0]]


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)


def _object(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the mapping a field holds: itself, behind a reference, or one of its choices or items."""
    if "$ref" in schema:
        return _object(defs[schema["$ref"].rpartition("/")[2]], defs)
    if schema.get("properties") and "secret" not in schema["properties"]:
        return schema
    inside = [*schema.get("anyOf", ()), *schema.get("oneOf", ()), *filter(None, [schema.get("items")])]
    if isinstance(schema.get("additionalProperties"), dict):
        inside.append(schema["additionalProperties"])
    return next((found for each in inside if (found := _object(each, defs)).get("properties")), {})
