"""The grammar of measures: durations, sizes and instants, as `conduit.grammar` has it for all else. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from conduit.patterns import pattern

DURATION = pattern(r"([0-9]{1,6})(ms|s|m|h|d)", re.ASCII)
SIZE = pattern(r"([0-9]{1,9})(B|KB|MB|GB|KiB|MiB|GiB)?", re.ASCII)
INSTANT = pattern(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:[Zz]|[-+][0-9]{2}:[0-9]{2}))?"
)

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_CENTURY = 36525 * 86400


def duration(text: str) -> float:
    """A duration such as `500ms`, `10s`, `5m`, `1h`, `90d`, in seconds; at most 100 years."""
    match = DURATION.fullmatch(text)
    if not match or (seconds := int(match[1]) * _SECONDS[match[2]]) > _CENTURY:
        raise ValueError("write a duration such as 500ms, 10s, 5m, 1h or 90d")
    return seconds


def size(text: str) -> int:
    """A size such as `512KiB` or `10MB`, in bytes."""
    match = SIZE.fullmatch(text)
    if not match:
        raise ValueError("write a size such as 512KiB or 10MB")
    return int(match[1]) * _BYTES[match[2] or ""]


def instant(text: str) -> float:
    """Return the time an `until` names, in seconds since 1970: RFC 3339, or a date, which holds to its end in UTC.

    Raises ValueError for anything else, a time without a zone above all.
    """
    if not INSTANT.fullmatch(text):
        raise ValueError("write a date such as 2030-01-31, or a time with its zone such as 2030-01-31T18:00:00Z")
    moment = datetime.fromisoformat(text.upper())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC) + timedelta(days=1)).timestamp()


def rfc3339(epoch: float, precision: str = "seconds") -> str:
    """Write a time in seconds since 1970 as RFC 3339, in UTC and with its Z: the one form of every answer and file.

    `precision` is `seconds` or `milliseconds`.
    """
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec=precision).removesuffix("+00:00") + "Z"
