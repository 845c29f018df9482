"""Suspended: the loop looks and tells, and changes nothing, until somebody resumes it or the time is up."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from conduit.evidence import inode
from conduit.measures import instant, rfc3339
from conduit.providers.files import make_directory, read_regular, remove_file, write_file

LIMIT = 64 * 1024


class Suspension(Struct, frozen=True):
    """Since when (RFC 3339) and why; `until` is "" for an open end."""

    since: str
    reason: str
    until: str = ""

    @property
    def begun(self) -> float:
        """Since when, in seconds since 1970; 0 when that is not known."""
        try:
            return datetime.fromisoformat(self.since).timestamp()
        except ValueError:
            return 0.0

    def __str__(self) -> str:
        end = f" until {self.until}" if self.until else ""
        return f"suspended since {self.since}{end}" + (f": {self.reason}" if self.reason else "")


def suspension(state: Path, now: float) -> Suspension | None:
    """Return the suspension in force at `now` (epoch seconds). A file that cannot be read suspends: it is there."""
    try:
        content = read_regular(_file(state), LIMIT)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Suspension("an unknown time", f"{_file(state)} cannot be read: {error}")
    with suppress(ValueError, TypeError):
        found = Suspension(**json.loads(content))
        return None if found.until and instant(found.until) <= now else found
    return Suspension("an unknown time", f"{_file(state)} is damaged; conduit resume removes it")


def suspension_sign(state: Path) -> str:
    """Return what differs whenever somebody suspends or resumes."""
    return inode(_file(state))


def suspend(state: Path, now: float, reason: str = "", until: str = "") -> Suspension:
    """Suspend the loop of this site. Raises ValueError for an `until` that is no time, OSError."""
    if until:
        instant(until)
    found = Suspension(rfc3339(now), reason, until)
    make_directory(state)
    write_file(_file(state), json.dumps(asdict(found)).encode())
    return found


def resume(state: Path) -> None:
    """Let the loop of this site work again. Raises OSError."""
    with suppress(FileNotFoundError):
        remove_file(_file(state))


def _file(state: Path) -> Path:
    return state / "suspended.json"
