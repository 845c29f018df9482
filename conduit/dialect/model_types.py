"""What a model takes at a path below it: the names of fields, the classes of values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel

FieldPath = tuple[str | int, ...]


def fields_at(model: type[BaseModel], path: FieldPath) -> set[str]:
    """Return the names of the fields that a value at `path` below `model` may have."""
    return {name for found in _models(types_at(model, path)) for name in _named(found)}


def _named(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def types_at(model: type[BaseModel], path: FieldPath) -> set[type]:
    """Return the classes a value at `path` below `model` may become; list positions and free keys are passed over."""
    types: set[type] = {model}
    for part in path:
        inside = [_named(found)[str(part)] for found in _models(types) if str(part) in _named(found)]
        if inside:
            types = {found for annotation in inside for found in _classes(annotation)}
    return types


def _models(types: Iterable[type]) -> Iterator[type[BaseModel]]:
    return (found for found in types if issubclass(found, BaseModel))


def _classes(annotation: Any) -> Iterator[type]:
    """Yield every class an annotation is made of: members of unions, items of lists, values of mappings."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Annotated:
        arguments = arguments[:1]
    if isinstance(annotation, type) and not arguments:
        yield annotation
    for argument in arguments:
        yield from _classes(argument)
