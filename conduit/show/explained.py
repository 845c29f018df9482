"""What there is to tell of an error code, a kind or one of its fields, before it becomes text or JSON. Pure."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from conduit.errors import Code
from conduit.kind import Kind

SIZES = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "minLength": "length >=", "maxLength": "length <="}


class Field(Struct, frozen=True):
    """One field of a mapping; `default` is None where it is required, or by default nothing."""

    name: str
    type: str
    required: bool
    default: Any
    text: str

    @property
    def absent(self) -> str:
        """What holds without the field."""
        if self.required:
            return "required"
        if self.default is None:
            return "none"
        return self.default if isinstance(self.default, str) else json.dumps(self.default)


class Explained(Struct, frozen=True):
    """A subject in a few words and in whole sentences, with the fields inside it."""

    subject: str
    title: str
    text: str
    fields: tuple[Field, ...] = ()


def explain_code(code: Code) -> Explained:
    """Return what an error code means."""
    return Explained(code.id, code.title, code.explanation)


def explain_kind(kind: Kind[Any]) -> Explained:
    """Return what a kind is, with its fields."""
    schema = kind.spec.model_json_schema()
    where = f"on {kind.provider}" if kind.provider else "expands into other kinds"
    text = " ".join((inspect.getdoc(type(kind)) or "").split())
    return Explained(kind.name, f"{kind.plural} in YAML, {where}", text, _fields(schema, schema.get("$defs", {})))


def explain_field(kind: Kind[Any], path: str) -> Explained:
    """Return what a field is, with the fields inside it. Raises KeyError when there is no such field."""
    root = kind.spec.model_json_schema()
    defs = root.get("$defs", {})
    *outer, name = path.split(".")
    holder = _object(root, defs)
    for part in outer:
        holder = _object(holder["properties"][part], defs)
    field, inside = _field(holder, name, defs), _object(holder["properties"][name], defs)
    title = f"{field.type}, {'' if field.required else 'by default '}{field.absent}"
    return Explained(f"{kind.name}.{path}", title, field.text, _fields(inside, defs))


def summary_of(kind: Kind[Any]) -> str:
    """Return the first sentence of a kind's docstring."""
    return (inspect.getdoc(type(kind)) or "").partition("\n")[0]


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


def _fields(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> tuple[Field, ...]:
    return tuple(_field(schema, name, defs) for name in schema.get("properties", {}))


def _field(holder: Mapping[str, Any], name: str, defs: Mapping[str, Any]) -> Field:
    schema = holder["properties"][name]
    text = schema.get("description") or _object(schema, defs).get("description", "")
    return Field(name, type_words(schema, defs), name in holder.get("required", ()), schema.get("default"), text)


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
