"""What is declared: the base of all specs, what their fields may be annotated with, and resources. Pure."""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Generic, Self, TypeVar

from msgspec import Struct
from pydantic import ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

from conduit.documented import Documented
from conduit.model import NO_FIELDS, Key, Ref, Source


class Marker(Enum):
    """What a field's change means beyond an update."""

    IMMUTABLE = "a change replaces the object"
    WRITE_ONLY = "compared by keyed fingerprint, never read back"


class RefTo(Struct, frozen=True):
    """Field annotation: the YAML holds the name of a resource of `kind`; the spec holds a `Ref` to its `fact`."""

    kind: str
    fact: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def read(value: Any) -> Ref | None:
            if value is None or isinstance(value, Ref):
                return value
            if isinstance(value, str) and value:
                return Ref(Key(self.kind, value), self.fact)
            raise ValueError(f"write the name of a {self.kind}")

        def name(ref: Ref | None) -> str | None:
            return None if ref is None else ref.key.name

        return core_schema.no_info_plain_validator_function(
            read, serialization=core_schema.plain_serializer_function_ser_schema(name)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "description": f"the name of a {self.kind}"}


class Spec(Documented):
    """What an operator declares. An absent field means its default, so deleting a line takes effect."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=False, defer_build=True)

    @classmethod
    def parsed(cls, fields: Mapping[str, Any]) -> Self | None:
        """Return the spec that has these fields, None when there can be none."""
        try:
            return cls.model_validate(fields)
        except ValidationError:
            return None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields set to valid values.

        As pydantic does it, in a third of the time: a spec has no extra and no private values to copy.
        """
        if deep:
            return super().model_copy(update=update, deep=True)
        changed = update or {}
        copied, put = object.__new__(type(self)), object.__setattr__
        put(copied, "__dict__", {**self.__dict__, **changed})
        put(copied, "__pydantic_fields_set__", self.__pydantic_fields_set__ | changed.keys())
        put(copied, "__pydantic_extra__", None)
        put(copied, "__pydantic_private__", None)
        return copied


S = TypeVar("S", bound=Spec)


class Ignore(Spec):
    """Known drift to leave alone until a date: the field path, the reason, and the last moment it holds."""

    path: str
    """The field, in the terms of the declared resource."""
    reason: str
    """Why, for whoever reads it later."""
    until: str | None = None
    """The last moment it holds, a date or a time with its zone; without it, always."""


class Resource(Struct, Generic[S], frozen=True):
    """One wished-for resource, declared in YAML or expanded from one that is.

    `parent` is the declared (root) resource it was expanded from, None for a root itself.
    `from_` maps each field of an expanded spec to the root's field it came from.
    """

    key: Key
    spec: S
    source: Source
    parent: Key | None = None
    needs: tuple[Key, ...] = ()
    protect: bool = False
    ignore: tuple[Ignore, ...] = ()
    from_: Mapping[str, str] = NO_FIELDS

    @property
    def root(self) -> Key:
        """The declared resource this one belongs to; itself when it was declared."""
        return self.parent or self.key
