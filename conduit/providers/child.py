"""What every program and daemon that conduit starts has in common: a clean environment, and a time to come up in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Struct

from conduit.errors import Code, ConduitError

E = TypeVar("E", bound=ConduitError)

NOT_STARTED = Code(
    "CND-1151",
    "a daemon does not start or does not answer",
    "The daemon was told to start and exited, or did not answer within the deadline. Its own words are in the message. "
    "When conduit had changed a file just before, the old file was put back first.",
)

ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""What a daemon or tool started by conduit gets to see: no key, token or proxy setting of the caller."""
START_SECONDS: Final = 10.0
STARTS: Final = 3
"""How often a daemon is started whose start ends over something that passes; systemd allows five within ten seconds."""
LAST_WORDS: Final = 2_000
"""Bytes of what a program said that are told when it failed."""

Ready = Callable[[], bool]
"""Whether a daemon answers; asked again and again until it does."""


class Passing(Struct, frozen=True):
    """How the start of a daemon ends over something that passes: its exit status, and what it says among others."""

    status: int
    words: str


def start_again(start: Callable[[], object], failure: type[E], passes: Callable[[E], bool]) -> None:
    """Start a daemon; once more, `STARTS` times at most, while its start fails over something that passes.

    Raises the last `failure`.
    """
    for left in reversed(range(STARTS)):
        try:
            start()
            return
        except failure as error:
            if not (left and passes(error)):
                raise
