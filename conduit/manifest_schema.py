"""The JSON Schema of a manifest file, for editors and for checking files without conduit. Pure.

Variables (`{{ name }}`) stand where any value may stand, so a schema can only check what is written out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conduit.kind import Kind
from conduit.model import Ignore

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

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
    spec = _schema(kind.spec, shared)
    spec["properties"] = {**spec.get("properties", {}), **RESERVED}
    shared[kind.name] = spec
    return {"type": ["object", "null"], "additionalProperties": {"$ref": f"#/$defs/{kind.name}"}}


def _schema(model: Any, shared: dict[str, Any]) -> dict[str, Any]:
    """Return a model's schema with its definitions moved to `shared`, under names that carry the model's own."""
    prefix = model.__name__
    found: dict[str, Any] = model.model_json_schema(ref_template=f"#/$defs/{prefix}.{{model}}")
    shared |= {f"{prefix}.{name}": schema for name, schema in found.pop("$defs", {}).items()}
    return found
