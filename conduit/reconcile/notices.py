"""What people are told, and how often: once when something is wrong, once when it has been well for a while. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import ceil
from typing import Any, Final

from msgspec import Struct

from conduit.model import Key

FAILURE, DRIFT, EXPIRY, RECOVERY = "failure", "drift", "expiry", "recovery"
DAY: Final = 86400.0
EXPIRY_DAYS: Final = (21, 7, 1)
"""Days before the end of a certificate at which it is told; for a short one never earlier than its last third."""
SHOWN: Final = 20
"""Lines of one message before the rest is counted."""


class Condition(Struct, frozen=True):
    """Something that is wrong now. It is told again when its `level` rises."""

    kind: str
    subject: str
    text: str
    level: int = 0


class Notice(Struct, frozen=True):
    """One message: its kind, and that of what it is about, which differs for a recovery alone."""

    kind: str
    about: str
    lines: tuple[str, ...]

    @property
    def body(self) -> str:
        """The lines, with those beyond the limit counted."""
        more = len(self.lines) - SHOWN
        return "\n".join([*self.lines[:SHOWN], *([f"and {more} more"] if more > 0 else [])])


class Notices(Struct):
    """What was told and not taken back. `calm` is for how many seconds it must be well before that is told."""

    calm: float
    told: dict[tuple[str, str], tuple[Condition, float]] = {}

    def take(self, conditions: Iterable[Condition], now: float) -> list[Notice]:
        """Return the messages that follow from what is wrong at `now` (epoch seconds), one for each kind at most."""
        wrong = {(each.kind, each.subject): each for each in conditions}
        new = [
            each for place, each in wrong.items() if place not in self.told or self.told[place][0].level < each.level
        ]
        over = [place for place, (_, last) in self.told.items() if place not in wrong and now - last >= self.calm]
        recovered = [self.told.pop(place)[0] for place in over]
        self.told |= {place: (each, now) for place, each in wrong.items()}
        return [*_notices(new, None), *_notices(recovered, RECOVERY)]


def _notices(conditions: list[Condition], kind: str | None) -> Iterator[Notice]:
    for about in dict.fromkeys(each.kind for each in conditions):
        lines = [
            f"{each.subject}: {each.text}" if kind is None else each.subject
            for each in conditions
            if each.kind == about
        ]
        yield Notice(kind or about, about, tuple(sorted(lines)))


def expiring(facts: Mapping[Key, Mapping[str, Any]], now: float) -> Iterator[Condition]:
    """Yield the certificates that end soon, one level higher at each mark they have passed."""
    for key, known in facts.items():
        if "not_after" not in known:
            continue
        end, begun = float(known["not_after"]), float(known.get("issued", 0))
        left, third = end - now, (end - begun) / 3
        level = sum(left <= min(days * DAY, third) for days in EXPIRY_DAYS)
        if level:
            yield Condition(EXPIRY, str(key), _ending(left), level)


def _ending(left: float) -> str:
    """Return in words when something ends that has `left` seconds."""
    if left <= 0:
        return "has expired"
    return "expires within a day" if left <= DAY else f"expires within {ceil(left / DAY)} days"
