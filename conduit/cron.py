"""When something that repeats is due: five fields of cron in a time zone. Pure.

The rules of Debian's cron hold where clocks change: what is due at a fixed time that is left out is due at the end of
the gap, what is due at one that comes twice is due the first time (cronsim's documentation; cron(8) of Debian).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

FIELDS: Final = 5
SHORT: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}
"""The words that stand for five fields, as in crontab(5)."""
HOUR: Final = 3600.0
WINDOWS: Final = (2 * HOUR, 48 * HOUR, 32 * 24 * HOUR, 366 * 24 * HOUR)
"""How far back an instant is looked for before all the time there is: a minute's is found without counting years."""


def schedule(text: str) -> str:
    """Five fields of cron, or one of @hourly, @daily, @weekly and @monthly. Raises ValueError."""
    fields = SHORT.get(text.strip().lower(), text).upper().split()
    found = " ".join(fields)
    if len(fields) != FIELDS or following(found, "UTC", 0.0) is None:
        raise ValueError('write five fields of cron, for example "30 2 * * *", or @hourly, @daily, @weekly, @monthly')
    return found


def zone(text: str) -> str:
    """The name of a time zone in the IANA database. Raises ValueError."""
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(text)
    except (ValueError, OSError, KeyError):  # one that is not found is a KeyError
        raise ValueError("use a time zone of the IANA database, for example Europe/Berlin") from None
    return text


def following(fields: str, timezone: str, after: float) -> float | None:
    """Return the first instant (epoch seconds) after another, None when there is none in fifty years."""
    return next(_instants(fields, timezone, after), None)


def due(fields: str, timezone: str, since: float, now: float) -> float | None:
    """Return the newest instant after `since` that is not after `now`, None when there is none.

    Its successor is in the future, so it is never more than one period late; those before it are passed over.
    """
    for window in (*WINDOWS, now - since):
        start, found = max(since, now - window), None
        for instant in _instants(fields, timezone, start):
            if instant > now:
                break
            found = instant
        if found is not None or start == since:
            return found
    return None


def _instants(fields: str, timezone: str, after: float) -> Iterator[float]:
    """Yield the instants after a moment. A time that comes twice has no second one, wherever one begins to count."""
    from zoneinfo import ZoneInfo

    from cronsim import CronSim, CronSimError

    place = UTC if timezone == "UTC" else ZoneInfo(timezone)
    try:
        found = CronSim(fields, datetime.fromtimestamp(after, place))
        yield from (instant for each in found if (instant := each.timestamp()) > after)
    except (CronSimError, AssertionError, OverflowError):
        return
