"""Errors as data: a stable code, what happened, where it was declared, what to do next.

Each module declares its codes beside the rule they belong to; `conduit explain CODE` prints the long text.
Ranges: 01 YAML and manifests · 02 fields · 03 expansion and graph · 04 plan · 05 apply, lock, journal · 06 caddy ·
07 dnsmasq · 08 certificates · 09 secrets · 10 settings and command line · 11 probes and processes · 12 nginx ·
14 compose files · 15 Docker · 20 REST API · 21 audit · 22 the loop · 23 logging in · 24 users, roles, grants, tasks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

if TYPE_CHECKING:
    from conduit.model import Key, Source

CODES: dict[str, Code] = {}


class Code:
    """A stable error code with the text `conduit explain` prints. Creating one registers it."""

    def __init__(self, code: str, title: str, explanation: str) -> None:
        self.id, self.title, self.explanation = code, title, explanation
        first = CODES.setdefault(code, self)
        if first is not self:
            raise ValueError(f"{code} is declared twice: {first.title!r} and {title!r}")


class Diagnostic(Struct, frozen=True):
    """One problem for a person: `summary` what happened, `source` where, `hint` what to do, `line` the text there.

    `related` lists other places that take part, for example the first of two duplicates. `field` is the dotted path of
    what is wrong below the declared name that `source` belongs to, "" when no one field is to blame.
    """

    code: Code
    summary: str
    source: Source | None = None
    hint: str = ""
    line: str = ""
    related: tuple[tuple[str, Source], ...] = ()
    severity: str = "error"
    field: str = ""

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source else ""
        return f"{where}{self.severity}: {self.summary} [{self.code.id}]" + (f"; {self.hint}" if self.hint else "")


class ConduitError(Exception):
    """A failure told by diagnostics; `exit_code` is what the command line returns."""

    exit_code: ClassVar[int] = 1

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        self.diagnostics = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in self.diagnostics))


class LoadError(ConduitError):
    """The manifests or the settings do not load; nothing was planned."""


class Unsafe(ConduitError):
    """A plan that a safety rule refuses; nothing was applied."""


class Stale(ConduitError):
    """The live state moved since the plan was made; nothing was applied."""

    exit_code = 5


class Locked(ConduitError):
    """Another run holds the lock; nothing was done."""

    exit_code = 5


class RollbackFailed(ConduitError):
    """A change failed and so did its undoing; a person is needed."""

    exit_code = 7


class Unreadable(ConduitError):
    """A daemon or store could not be read; its kinds are UNKNOWN, and nothing of them is changed or pruned."""

    exit_code = 6


class Refused(ConduitError):
    """A daemon refused a document and still runs its old one. `blamed` are the blocks its message points at.

    `whole` tells that the document as such is refused, so that looking for a block to blame is of no use.
    """

    exit_code = 4

    def __init__(self, diagnostic: Diagnostic, blamed: Iterable[Key] = (), *, whole: bool = False) -> None:
        super().__init__(diagnostic)
        self.blamed = tuple(blamed)
        self.whole = whole
