"""How long to leave something alone that failed: one second, then twice as long each time, up to five minutes. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

FIRST: Final = 1.0
LONGEST: Final = 300.0
SPREAD: Final = 0.25
"""How much shorter or longer a wait may be, so that what failed together is not tried together."""


class Failing(Struct, frozen=True):
    """What failed, how many times in a row, until when (epoch) it is left alone, and why. `digest` was tried."""

    digest: str
    times: int
    until: float
    reason: str


class Backoff(Struct):
    """The failures of one process by subject; `chance` returns numbers from 0 to 1."""

    chance: Callable[[], float] = random.random
    failing: dict[str, Failing] = {}

    def failed(self, subject: str, digest: str, now: float, reason: str = "") -> None:
        """Note one more failure; a new digest begins anew, because something else was tried."""
        before = self.failing.get(subject)
        count = before.times + 1 if before and before.digest == digest else 1
        wait = min(LONGEST, FIRST * 2 ** min(count - 1, 20))
        wait *= 1 + SPREAD * (2 * self.chance() - 1)
        self.failing[subject] = Failing(digest, count, now + min(wait, LONGEST), reason)

    def worked(self, subject: str) -> None:
        """Forget the failures of a subject."""
        self.failing.pop(subject, None)

    def holds(self, subject: str, digest: str, now: float) -> bool:
        """Tell whether exactly this is to be left alone still."""
        found = self.failing.get(subject)
        return found is not None and found.digest == digest and now < found.until

    def keep(self, subjects: Iterable[str]) -> None:
        """Forget every subject that is not named: nothing of it is left to try."""
        for gone in self.failing.keys() - set(subjects):
            del self.failing[gone]

    def earliest(self, now: float) -> float | None:
        """Return when (epoch) the first wait that is not over ends; None when nothing waits."""
        return min((found.until for found in self.failing.values() if found.until > now), default=None)
