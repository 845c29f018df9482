"""The value types of conduit: keys, references, live objects. What is declared is in `spec`, what happens in `change`.

Pure: no I/O, no threads, no clock. Every layer above speaks in these types. None of them needs pydantic at import,
which costs more time than all else an unchanged site needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

Native = Any
"""The daemon's own form of an object: JSON-like data. It may hold `Late` and `Secret` values until it is staged."""


class Source(NamedTuple):
    """Where something was declared; line and column count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])


class Key(NamedTuple):
    """The identity of a resource, written `kind/name`."""

    kind: str
    name: str

    def __str__(self) -> str:
        return "/".join(self)

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read `kind/name`; raises ValueError when there is no kind or no name."""
        kind, slash, name = text.partition("/")
        if not (kind and slash and name):
            raise ValueError(f'"{text}" is not a key; write kind/name, for example service/wiki')
        return cls(kind, name)


FRAME: Final = "frame"
"""The pseudo kind of a document's frame: its key is `frame/<provider>`."""


class Unset(Enum):
    """A value that is not there yet."""

    UNRESOLVED = "unresolved"


UNRESOLVED: Final = Unset.UNRESOLVED


class Late(Struct, frozen=True, rename={"key": "$late"}):
    """A value only known once another resource was applied; shown as "known after apply".

    As JSON it is `{"$late": KEY, "fact": NAME}`, which no live value is.
    """

    key: Key
    fact: str

    def __str__(self) -> str:
        return f"(known after apply: {self.key} {self.fact})"


class Ref:
    """A spec field that names another resource, and the live fact it stands for.

    `value` is filled in by plan: the live fact, or `Late` while it does not exist yet. No `Struct`, because as JSON it
    is its value.
    """

    __slots__ = ("fact", "key", "value")

    def __init__(self, key: Key, fact: str, value: Any = UNRESOLVED) -> None:
        self.key, self.fact, self.value = key, fact, value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ref):
            return NotImplemented
        return (self.key, self.fact, self.value) == (other.key, other.fact, other.value)

    def __hash__(self) -> int:
        return hash((self.key, self.fact))

    def __str__(self) -> str:
        return f"{self.key}#{self.fact}"

    def __repr__(self) -> str:
        return f"Ref({self}, {self.value!r})"

    def resolved(self, value: Any) -> Ref:
        """Return this reference with its value known."""
        return Ref(self.key, self.fact, value)


class Secret(Struct, frozen=True, rename={"name": "$secret"}):
    """A reference to a stored secret, written `{secret: NAME}`. It never holds the value itself.

    As JSON it is `{"$secret": NAME}`.
    """

    name: str

    def __str__(self) -> str:
        return f"[secret {self.name}]"

    __repr__ = __str__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls._read, serialization=core_schema.plain_serializer_function_ser_schema(lambda s: {"secret": s.name})
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {"secret": {"type": "string"}},
            "required": ["secret"],
            "additionalProperties": False,
        }

    @classmethod
    def _read(cls, value: Any) -> Secret:
        if isinstance(value, Secret):
            return value
        if isinstance(value, dict) and set(value) == {"secret"} and isinstance(value["secret"], str):
            return cls(value["secret"])
        raise ValueError("write {secret: NAME}; store the value with `conduit secret set NAME`")


def revealed(value: str | Secret | tuple[str | Secret, ...], secret: Callable[[str], str]) -> str:
    """Return a text with its secrets filled in; `secret` reads a stored one by its name."""
    parts = value if isinstance(value, tuple) else (value,)
    return "".join(secret(part.name) if isinstance(part, Secret) else part for part in parts)


class Fingerprint(str):
    """Stands for a secret value: equal for equal values of one site, and all that may be shown of one."""

    __slots__ = ()

    @property
    def short(self) -> str:
        """Enough of it to see that a value changed."""
        return f"{self[:4]}.."


class Claim(NamedTuple):
    """A thing only one resource may have: a listener, a route's host and path, a DNS name and type."""

    scope: str
    value: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.scope} {' '.join(self.value)}"


Bucket = tuple[str | tuple[str, ...], ...]
"""What claims that can meet have in common; see `conduit.claims`."""

NO_FIELDS: Final[Mapping[str, Any]] = MappingProxyType({})


class Live(Struct, frozen=True):
    """One object a daemon has. `owned` says that it carries this site's mark for `key`.

    `id` is the daemon's immutable id, `status` holds live-only facts for people, `facts` what a `Ref` may ask for.
    `claims` are filled for foreign objects, so that a declared resource with the same claims can adopt them.
    """

    key: Key
    id: str
    native: Native
    owned: bool
    status: Mapping[str, Any] = NO_FIELDS
    facts: Mapping[str, Any] = NO_FIELDS
    claims: frozenset[Claim] = frozenset()
    protected: bool = False
    place: str = ""
    """Where a person finds it: a file and line, or a path in the daemon's configuration."""


class Reading(Struct, frozen=True):
    """One read of a provider. `version` is a hash of all it saw; `frame` is None before the first frame.

    `stale` tells in words that the daemon serves an older generation than its files hold; empty when it does not.
    `raw` is the provider's own, whole form, kept so that what is not ours can be written back untouched.
    """

    objects: Mapping[str, tuple[Live, ...]]
    version: str
    features: frozenset[str] = frozenset()
    frame: Native = None
    stale: str = ""
    raw: Any = None
    warnings: tuple[str, ...] = ()

    def ours(self) -> Iterable[Live]:
        """Yield the live objects that carry our mark."""
        return (live for lives in self.objects.values() for live in lives if live.owned)

    def owned(self) -> dict[Key, Native]:
        """Return the natives of all our blocks by key."""
        return {live.key: live.native for live in self.ours()}


class Target(Struct, frozen=True):
    """Where a resource lives: a provider on a host."""

    provider: str
    host: str = "local"


def walk(value: Any) -> Iterable[Any]:
    """Yield every leaf value inside JSON-like data, depth first."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            left.extend(reversed(item.values()))
        elif isinstance(item, (list, tuple)):
            left.extend(reversed(item))
        else:
            yield item


def rewrite(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return JSON-like data with `change` applied to every leaf value."""
    if isinstance(value, dict):
        return {k: rewrite(v, change) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(rewrite(v, change) for v in value)
    return change(value)
