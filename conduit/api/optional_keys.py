"""OpenAPI for mappings some of whose keys may be absent.

`from __future__ import annotations` hides `NotRequired` from typing.TypedDict, which takes every key for a required one
then (https://docs.python.org/3/library/typing.html#typing.TypedDict.__optional_keys__); the evaluated annotations tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NotRequired, get_args, get_origin

from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.openapi.spec import Schema


class OptionalKeys(OpenAPISchemaPlugin):
    """Makes the schema of each TypedDict."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Whether a type is a TypedDict."""
        return field_definition.is_typeddict_type

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """Return the schema of a TypedDict, in which only what is always there is required."""
        hints = field_definition.get_type_hints(include_extras=True, resolve_generics=True)
        total = field_definition.type_.__total__
        return schema_creator.create_component_schema(
            field_definition,
            required=sorted(name for name, hint in hints.items() if total and not _may_be_absent(hint)),
            property_fields={name: FieldDefinition.from_kwarg(hint, name) for name, hint in hints.items()},
        )


def _may_be_absent(hint: Any) -> bool:
    return get_origin(hint) is NotRequired or (get_origin(hint) is Annotated and _may_be_absent(get_args(hint)[0]))
