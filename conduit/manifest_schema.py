"""The JSON Schema of a manifest file, for editors and for checking files without conduit. Pure.

It says what a value looks like, not whether it makes sense: only loading checks that. A variable may stand for any one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conduit.kind import Kind
from conduit.spec import Ignore

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
VARIABLE: Final[Mapping[str, Any]] = {"type": "string", "pattern": r"\{\{"}
RESERVED: Final[Mapping[str, Any]] = {
    "needs": {"type": "array", "items": {"type": "string", "pattern": "^[^/]+/[^/]+$"}},
    "protect": {"type": "boolean", "default": False},
    "ignore": {"type": "array", "items": Ignore.model_json_schema()},
    "hosts": {"type": "array", "items": {"const": "local"}},
}
"""The keys every spec may hold beside its own (conduit.manifests.common)."""


def manifest_schema(kinds: Mapping[str, Kind[Any]]) -> dict[str, Any]:
    """Return the schema of a whole manifest: plural kind -> name -> spec, with the reserved keys in each spec."""
    shared: dict[str, Any] = {}
    sections = {kind.plural: _section(kind, shared) for kind in kinds.values() if kind.plural}
    return {
        "$schema": DIALECT,
        "title": "conduit manifest",
        "type": "object",
        "properties": {"vars": {"type": "object"}, **sections},
        "additionalProperties": False,
        "$defs": shared,
    }


def spec_schema(kind: Kind[Any]) -> dict[str, Any]:
    """Return the schema of one kind's spec, without the reserved keys."""
    return {"$schema": DIALECT, **kind.spec.model_json_schema()}


def _section(kind: Kind[Any], shared: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a kind's section; its definitions go to `shared` under names that carry the kind's."""
    spec = kind.spec.model_json_schema(ref_template=f"#/$defs/{kind.name}.{{model}}")
    definitions = spec.pop("$defs", {})
    spec["properties"] = {**RESERVED, **spec.get("properties", {})}
    shared[kind.name] = _inside(spec)
    shared |= {f"{kind.name}.{name}": _inside(schema) for name, schema in definitions.items()}
    return {"type": ["object", "null"], "additionalProperties": {"$ref": f"#/$defs/{kind.name}"}}


def _or_variable(schema: Any) -> Any:
    """Let a variable stand where a value stands that is not text already."""
    if not isinstance(schema, Mapping):
        return schema
    found = _inside(schema)
    return found if found.get("type") == "string" and "enum" not in found else {"anyOf": [found, VARIABLE]}


def _inside(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with variables allowed for what it holds, but not for itself."""
    found = dict(schema)
    if "properties" in found:
        found["properties"] = {name: _or_variable(value) for name, value in found["properties"].items()}
    found |= {name: _or_variable(found[name]) for name in ("items", "additionalProperties") if name in found}
    found |= {name: [_inside(each) for each in found[name]] for name in ("anyOf", "oneOf") if name in found}
    return found
