"""What the tests of the records database share: many keys, a run, and what lies in a directory."""

from __future__ import annotations

from pathlib import Path

from conduit.change import Action, Outcome, Result
from conduit.history_rows import RunRecord
from conduit.model import Key

KEYS = [Key("route", f"r{number}") for number in range(1500)]


def a_run(number: int) -> RunRecord:
    outcomes = (
        Outcome(Key("route", "wiki"), Action.UPDATE, Result.OK, "", 0.5),
        Outcome(Key("route", "media"), Action.CREATE, Result.FAILED, 'said "no"\n', 1.0),
    )
    times = ("2026-05-01T10:00:00+00:00", "2026-05-01T10:00:02+00:00")
    return RunRecord(number, *times, "apply", "failed", "abc", "c0ffee", {"ok": 1, "failed": 1}, outcomes)


def listing(directory: Path) -> list[tuple[str, int, bytes]]:
    return sorted((p.name, p.stat().st_mtime_ns, p.read_bytes()) for p in directory.iterdir())
