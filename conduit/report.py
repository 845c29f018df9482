"""What an apply is asked for, tells while it works, and comes to in the end. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cached_property
from operator import attrgetter
from typing import Final

from msgspec import Struct

from conduit.change import Outcome, Proof, Result
from conduit.model import Key

BREATH: Final = 0.03
"""Seconds without computing before Caddy loads. It then drops about as many requests as when it is loaded by hand, and
twice as many without it or with a third of it (benchmarks/updates.py); five times as many in a loop without it."""


class ApplyOptions(Struct, frozen=True):
    """`prove` checks every touched root from outside before and after; `timeout` bounds each wait, in seconds.

    `operation` is what whoever waits for the lock, the journal and the list of runs are told of it; `parallel` bounds
    how much is done at once: documents, objects and proofs; None is as many as each of them bears. `breath` is how many
    seconds to compute nothing right before Caddy loads over what it serves for us: requests that waited for the
    processor come all at once then, and Caddy drops some of those that come while it loads.
    """

    prove: bool = True
    timeout: float = 60.0
    operation: str = "apply"
    parallel: int | None = None
    breath: float = 0.0


class EventKind(StrEnum):
    """The stages an apply tells about."""

    STARTED = "started"
    FINISHED = "finished"
    WAITING = "waiting"
    PROVED = "proved"
    UNPROVEN = "unproven"
    REVERTED = "reverted"


class Event(Struct, frozen=True):
    """One line of progress: about a resource, or about a whole provider when `key` is None."""

    kind: EventKind
    key: Key | None
    provider: str
    text: str


Listener = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Stand for a listener where nobody wants to know; what goes through a whole plan need not tell it."""


OK, FAILED_PARTLY, MOVED, SKIPPED, INTERRUPTED = 0, 4, 5, 6, 130
ENDS: Final = ("ok", "partly failed", "stale", "skipped", "interrupted")
"""The words for them."""


class Report(Struct, frozen=True, dict=True):
    """The end of an apply. `run` is its number in the journal, 0 when nothing had to be done.

    `stale` tells that a live document moved under the plan, `unread` that a daemon could not be read, `unjudged` that
    of some resource nobody knew what it should be.
    """

    run: int
    outcomes: tuple[Outcome, ...]
    proofs: Mapping[Key, Proof]
    warnings: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()
    seconds: float = 0.0
    interrupted: bool = False
    stale: bool = False
    unread: bool = False
    unjudged: bool = False

    @cached_property
    def counts(self) -> Counter[Result]:
        """How many changes ended in each way."""
        return Counter(map(attrgetter("result"), self.outcomes))

    @property
    def exit_code(self) -> int:
        """The exit code of the command line: one meaning each, the most pressing first."""
        if self.interrupted:
            return INTERRUPTED
        if self.stale:
            return MOVED
        counts = self.counts
        if counts[Result.FAILED] or counts[Result.REVERTED] or counts[Result.QUARANTINED]:
            return FAILED_PARTLY
        return SKIPPED if self.unread or self.unjudged else OK

    @property
    def result(self) -> str:
        """The end in one word, for the journal and the history."""
        return dict(zip((OK, FAILED_PARTLY, MOVED, SKIPPED, INTERRUPTED), ENDS, strict=True))[self.exit_code]
