"""The cache of one dnsmasq: its own counters, and emptying it.

dnsmasq empties its cache on SIGHUP and starts counting what it puts in anew (dnsmasq(8), NOTES), so the counter proves
that it happened. Only the daemon of our settings is signalled, found as every other signal finds it.
"""

from __future__ import annotations

import time
from typing import Final

from conduit.errors import Code, Diagnostic, Refused
from conduit.providers.dns_query import CHAOS, ask
from conduit.providers.dnsmasq_daemon import ANSWER_SECONDS, SERVED_SECONDS, Daemon

NOT_FLUSHED = Code(
    "CND-0709",
    "the cache was not emptied",
    "dnsmasq was told to empty its cache and still counts what it had put in before, or it does not answer. Look at "
    "its log; a restart empties the cache too.",
)
INSERTIONS: Final = "insertions.bind"
"""How many answers were put into the cache since it was emptied last."""


def insertions(daemon: Daemon) -> int:
    """Return how much was put into the cache. Raises OSError or ValueError when dnsmasq does not tell."""
    answers = ask(daemon.address, INSERTIONS, "TXT", ANSWER_SECONDS, CHAOS)
    if not answers:
        raise ValueError("dnsmasq tells no cache statistics")
    return int(answers[0][1:])


def flush(daemon: Daemon) -> int:
    """Empty the cache and return how many entries had been put into it. Raises `Refused`."""
    try:
        before = insertions(daemon)
        daemon.process.hup()
        deadline = time.monotonic() + SERVED_SECONDS
        while (left := insertions(daemon)) >= before > 0:
            if time.monotonic() > deadline:
                raise ValueError(f"it still counts {left} of {before} entries")
            time.sleep(0.005)
    except (OSError, ValueError) as error:
        summary = f"the cache of dnsmasq was not emptied: {error}"
        raise Refused(Diagnostic(NOT_FLUSHED, summary, hint="look at dnsmasq's log")) from error
    return before
