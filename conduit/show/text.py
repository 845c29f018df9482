"""How single values look: escaped, folded, coloured by role."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

Style = Callable[[str, str], str]
"""Dresses a text for a role such as "create" or "error"; see `plain` and `ansi`."""


ANSI: Final = {
    "create": "32",
    "update": "33",
    "replace": "35",
    "delete": "31",
    "drift": "36",
    "unknown": "35",
    "error": "1;31",
    "warning": "33",
    "good": "32",
    "bold": "1",
    "dim": "2",
}


def plain(_role: str, text: str) -> str:
    """Leave a text as it is: for pipes, files and NO_COLOR."""
    return text


def ansi(role: str, text: str) -> str:
    """Colour a text for a terminal (ECMA-48 SGR)."""
    return f"\x1b[{ANSI[role]}m{text}\x1b[0m"


class View(Struct, frozen=True):
    """How much to show and how: `verbosity` -1 is quiet, `width` in columns, `now` in seconds since the epoch."""

    style: Style = plain
    verbosity: int = 0
    width: int = 120
    now: float = 0.0

    @property
    def fold(self) -> int:
        """The longest value shown whole, in characters."""
        return 10_000 if self.verbosity > 1 else max(30, self.width // 2 - 15)


def escape(text: str) -> str:
    """Return text safe for a terminal: control characters, ANSI sequences and bidi marks become visible escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def folded(text: str, limit: int) -> str:
    """Return text of at most about `limit` characters; what was cut is counted."""
    return text if len(text) <= limit else f"{text[: limit - 1]}… ({len(text)} characters)"


def folded_pair(old: str, new: str, limit: int) -> tuple[str, str]:
    """Fold two values so that what differs stays visible: a long common beginning is cut away."""
    if max(len(old), len(new)) > limit:
        pairs = enumerate(zip(old, new, strict=False))
        same = next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))
        start = max(0, same - 10)
        if start:
            old, new = f"…{old[start:]}", f"…{new[start:]}"
    return folded(old, limit), folded(new, limit)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: "1 error", "3 errors"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def columns(rows: Iterable[Iterable[str]], gap: str = "  ") -> list[str]:
    """Return rows of cells as aligned lines; the last cell of a row is not padded."""
    table = [list(row) for row in rows]
    if not table:
        return []
    widths = [max(len(row[index]) for row in table) for index in range(len(table[0]) - 1)]
    return [gap.join([*map(str.ljust, row, widths), row[-1]]).rstrip() for row in table]


def duration(seconds: float) -> str:
    """Return a span of time in one unit: "40 s", "5 min", "3 h", "12 d"."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{seconds:.1f} s" if 0 < seconds < 10 else f"{int(seconds)} s"
