"""The end of a part of the trail: segments that were kept long enough, a trail that is set aside."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from conduit.audit.act import FAILURE, Act
from conduit.audit.checkpoints import STUB, read_stub, sign, write_stub
from conduit.audit.head import Head
from conduit.audit.trail import Trail
from conduit.audit.verify import Witness
from conduit.chain import Broken, Chain, Entry
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.providers.files import make_directory, remove_file, sync_directory

KEPT_AS_EVIDENCE = Code(
    "CND-2103",
    "old entries do not hold, so they are kept",
    "Segments older than audit.retention days are removed, but not while one of them was changed: it is evidence then. "
    "`conduit audit verify` names the first bad entry. Set the trail aside when you have seen why: conduit audit seal "
    '--aside "WHY".',
)
DAY: Final = 86400.0
RETENTION: Final = "retention"


def remove_old(trail: Trail, days: int) -> int:
    """Remove the segments whose last entry is more than `days` old, all but the newest, and return how many entries.

    A signed stub stays in their place. Raises `ConduitError` when one of them does not hold, OSError.
    """
    with trail.alone():
        stub = read_stub(trail.directory)
        old = _old(trail.chain, time.time() - days * DAY)
        if not old:
            return 0
        last = _held(trail.chain, (stub.entry, stub.hash), old[-1])
        write_stub(trail.directory, sign(trail.key, STUB, trail.site, last, RETENTION))
        for segment in old:
            remove_file(segment)
        return last[0] - stub.entry


def set_aside(trail: Trail, why: str, who: str, witnesses: Iterable[Witness]) -> Path:
    """Move a trail that does not hold aside, and begin a new one after the last entry it or a witness knows of.

    The first entry of the new one tells of it. Returns where the old one is. Raises `ConduitError`, OSError.
    """
    with trail.alone():
        place = trail.directory / f"aside-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        ends = [*((each.entry, each.hash) for each in witnesses), *_ends(trail)]
        last = max(ends, key=lambda end: end[0])
        make_directory(place)
        for each in (*trail.chain.segments(), trail.checkpoints.chain.directory, trail.directory / "stub.json"):
            if each.exists():
                each.rename(place / each.name)
        sync_directory(trail.directory)
        write_stub(trail.directory, sign(trail.key, STUB, trail.site, last, f"set aside: {why}"))
        trail.head.write(Head(*last))
    message = f"entries up to {last[0]} were set aside: {why}"
    trail.append(Act("trail_set_aside", FAILURE, message, who, sort="user", details={"place": str(place)}))
    return place


def _ends(trail: Trail) -> list[tuple[int, str]]:
    """Return the last entries the trail itself knows of."""
    stub, last = read_stub(trail.directory), next(trail.chain.newest(), None)
    return [*([(last.seq, last.hash)] if last else []), (max(stub.entry, 0), stub.hash)]


def _old(chain: Chain, before: float) -> list[Path]:
    """Return the oldest segments up to the last one that ended before a time, in seconds since the epoch."""
    segments = chain.segments()[:-1]
    ended = [_time(chain.last_of(segment)) for segment in segments]
    count = next((number for number, each in enumerate(ended) if each >= before), len(segments))
    return segments[:count]


def _held(chain: Chain, last: tuple[int, str], until: Path) -> tuple[int, str]:
    """Check the entries up to the end of one segment and return the last of them. Raises `ConduitError`."""
    try:
        for link in chain.links(*last):
            if link.file > until:
                break
            last = link.seq, link.hash
    except Broken as error:
        hint = "look at it with conduit audit verify"
        summary = f"old entries are kept, because they do not hold: {error.bad}"
        raise ConduitError(Diagnostic(KEPT_AS_EVIDENCE, summary, hint=hint)) from error
    return last


def _time(entry: Entry | None) -> float:
    return datetime.fromisoformat(entry.time).timestamp() if entry else 0.0
