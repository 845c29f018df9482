"""Models whose fields are described by the string under each of them; schemas, docs and `explain` show it. Pure.

The source is read only when a schema is asked for: doing it for every model at import would slow every command.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema

if TYPE_CHECKING:
    import ast


class Documented(BaseModel):
    """A model whose JSON schema describes each field by its `description`, else by the string under it."""

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler(schema)
        properties = handler.resolve_ref_schema(found).get("properties", {})
        for name, note in field_notes(cls).items():
            if name in properties:
                properties[name].setdefault("description", note)
        return found


def field_notes(model: type[BaseModel]) -> dict[str, str]:
    """Return the strings that stand under the fields of a model's source, by field; base models included."""
    import ast
    import inspect
    import textwrap

    notes: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, Documented) and each is not Documented:
            notes |= _notes(ast.parse(textwrap.dedent(inspect.getsource(each))))
    return notes


def _notes(source: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each annotated name of a class whose next statement is a string, with that string."""
    import ast

    for field, note in pairwise(getattr(source.body[0], "body", [])):
        match field, note:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())
