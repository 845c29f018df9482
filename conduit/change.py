"""What planning and applying say: differences, changes, outcomes, proofs. Pure values, beside those of `model`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from conduit.model import NO_FIELDS, Key, Live, Native, Source

if TYPE_CHECKING:
    from conduit.spec import Resource


class Word(StrEnum):
    """Words that hash as the text they are: the hash of an Enum is a Python function, and large plans ask for many."""

    __hash__ = str.__hash__


class Action(Word):
    """What a change does to the live object."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    ADOPT = "adopt"


class Origin(Word):
    """Why wish and live differ: git moved (pending), the host moved (drift), both, or no record to tell."""

    PENDING = "pending"
    DRIFT = "drift"
    BOTH = "both"
    UNKNOWN = "unknown"


class FieldChange(Struct, frozen=True):
    """One differing field in spec terms; `old` or `new` is `UNRESOLVED` when the field is absent on that side."""

    path: str
    old: Any
    new: Any


class Diff(Struct, frozen=True):
    """How live differs from the wish: in fields while the live object still parses, else as a raw text diff.

    `due` tells that nobody touched the live object: it is to be replaced because its time has come.
    """

    fields: tuple[FieldChange, ...] = ()
    raw: str = ""
    reason: str = ""
    due: bool = False

    def __bool__(self) -> bool:
        return bool(self.fields or self.raw or self.reason)


NO_DIFF: Final = Diff()


class Disturbance(Word):
    """How much a change interrupts, mildest first."""

    NONE = "none"
    RELOAD = "reload"
    RESTART = "restart"
    RECREATE = "recreate"
    STOP = "stop"


class Impact(Struct, frozen=True):
    """What applying a change interrupts: how, of whom, for about how many seconds, in words."""

    disturbance: Disturbance = Disturbance.NONE
    target: str = ""
    seconds: float = 0.0
    note: str = ""

    def __str__(self) -> str:
        if self.disturbance is Disturbance.NONE:
            return self.note or "no interruption"
        words = f"{self.target} {self.disturbance}".strip()
        if self.seconds:
            words += f" ≈ {self.seconds:g} s"
        return f"{words}, {self.note}" if self.note else words


NO_IMPACT: Final = Impact()


class Change(Struct, frozen=True):
    """One step of a plan. `native` is the wished-for form (None for delete), `live` what is there (None for create)."""

    action: Action
    key: Key
    provider: str
    diff: Diff
    origin: Origin
    source: Source
    root: Key
    impact: Impact = NO_IMPACT
    want: Resource[Any] | None = None
    native: Native = None
    live: Live | None = None


class Result(Word):
    """How a change ended. `unproven` is applied, but its proof did not pass and never had."""

    OK = "ok"
    UNPROVEN = "unproven"
    REVERTED = "reverted"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcome(Struct, frozen=True):
    """What became of one change; `reason` tells a person, `seconds` is the wall time it took."""

    key: Key
    action: Action
    result: Result
    reason: str = ""
    seconds: float = 0.0
    facts: Mapping[str, Any] = NO_FIELDS


def by_key(outcomes: Iterable[Outcome]) -> dict[Key, Outcome]:
    """Return one outcome for each key; of several objects with one key the first failure counts."""
    found: dict[Key, Outcome] = {}
    for outcome in outcomes:
        if outcome.key not in found or found[outcome.key].result is Result.OK:
            found[outcome.key] = outcome
    return found


class Level(Enum):
    """How far a black-box proof got; a later member includes all before it."""

    NO_NAME = 0
    NO_CONNECTION = 1
    NO_TLS = 2
    PROXY_ERROR = 3
    UPSTREAM_ANSWERED = 4
    EXPECTED = 5

    def __lt__(self, other: Level) -> bool:
        return bool(self.value < other.value)


class Proof(Struct, frozen=True):
    """The result of proving a root from outside: how far it got, and each observation in words.

    `seconds` is how long the answer took; None when there was none. `parts` are the proofs of what
    can fail by itself, such as each name of a site; the whole then gets as far as the first of them that fails. `said`
    is how an answer that was not the expected one began: shown to who applies, and written down nowhere.
    """

    key: Key
    level: Level
    detail: str = ""
    checks: tuple[str, ...] = ()
    seconds: float | None = None
    parts: Mapping[str, Proof] = NO_FIELDS
    said: str = ""

    @property
    def passed(self) -> bool:
        """Whether the answer was the expected one."""
        return self.level is Level.EXPECTED


class Readiness(Struct, frozen=True):
    """Whether an applied object is healthy yet; `wait` False means that waiting longer will not help.

    `patience` are the seconds since it was made that it may take by its own declaration, `soonest` those from now on
    before which it cannot be, 0 when nobody knows.
    """

    ready: bool
    detail: str = ""
    wait: bool = True
    patience: float = 0.0
    soonest: float = 0.0


READY: Final = Readiness(ready=True)
