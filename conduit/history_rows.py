"""What the records database holds of runs, and the rows it is stored in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import json

from conduit.canonical import canonical
from conduit.change import Action, Outcome, Result
from conduit.model import NO_FIELDS, Key


class RunRecord(NamedTuple):
    """One past run; times are RFC 3339, `summary` counts outcomes by result."""

    id: int
    started: str
    finished: str
    operation: str
    result: str
    digest: str
    commit: str
    summary: Mapping[str, int]
    outcomes: tuple[Outcome, ...]

    def row(self) -> tuple[Any, ...]:
        """Return this as it is stored."""
        *facts, summary, outcomes = self
        return (*facts, _text(dict(summary)), _text(list(map(_encoded, outcomes))))

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> RunRecord:
        """Read what `row` stored."""
        *facts, summary, outcomes = row
        columns = (*facts, json.decode(summary), tuple(_decoded(*each) for each in json.decode(outcomes)))
        return cls(*columns)


class Reverted(NamedTuple):
    """What a run took back of one root: the digest of its changes, the run, the time (RFC 3339), and why."""

    digest: str
    run: int
    at: str
    reason: str


class Started(NamedTuple):
    """A run that began: the hashes of its manifests and of the files they name, and the keys it set out to change.

    `secrets` are the fingerprints of those that it used, by name.
    """

    run: int
    manifests: str
    files: str
    keys: tuple[Key, ...]
    secrets: Mapping[str, str] = NO_FIELDS

    def row(self) -> tuple[Any, ...]:
        """Return this as it is stored."""
        return (self.run, self.manifests, self.files, _text(list(map(str, self.keys))), canonical(self.secrets))

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Started:
        """Read what `row` stored."""
        run, manifests, files, keys, secrets = row
        return cls(run, manifests, files, tuple(map(Key.parse, json.decode(keys))), json.decode(secrets))


def _text(value: Any) -> str:
    return json.encode(value).decode()


def _encoded(outcome: Outcome) -> list[Any]:
    return [str(outcome.key), outcome.action, outcome.result, outcome.reason, outcome.seconds]


def _decoded(key: str, action: str, result: str, reason: str, seconds: float) -> Outcome:
    return Outcome(Key.parse(key), Action(action), Result(result), reason, seconds)
