"""Models whose fields are described by the string under each of them; schemas, docs and `explain` show it. Pure.

The source is read only when a schema is asked for: doing it for every model at import would slow every command.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

if TYPE_CHECKING:
    import ast


class Documented(BaseModel):
    """A model whose JSON schema describes each field by its `description`, else by the string under it.

    Its validator is built when it is first used, in a field of another too: most commands use few of all models, and
    most manifests few of their fields.
    """

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """In a field of another model, a value goes to this model's own validator, built when there is a value.

        pydantic merges what that finds wrong into what is told of the whole; by the name of the function it tells the
        members of a union apart, by the reference schemas share the model.
        """
        if handler.field_name is None:
            return handler(source)

        def validate(value: Any) -> Documented:
            return cls.model_validate(value)

        validate.__name__ = cls.__name__
        return core_schema.no_info_plain_validator_function(
            validate, ref=f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        if schema["type"] == "function-plain":
            cls.model_rebuild()
            schema = cls.__pydantic_core_schema__
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
