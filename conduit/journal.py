"""What each run set out to do and what came of it, on disk before and after it happens.

A run is written down with its first intent, so a run that changes nothing writes nothing. The journal holds keys,
actions, results and reasons, never a value of a spec. Recovery is ordinary: the next run asks `unfinished` and
converges.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from conduit.chain import BadEntry, Chain, Entry
from conduit.chain_writer import Writer
from conduit.change import Action, Change, Outcome, Result
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.model import Key

JOURNAL_UNUSABLE = Code(
    "CND-0561",
    "The journal cannot be read or written",
    "Conduit writes down what it is about to change before it changes it, so that a killed run can be told and "
    "finished. A change that cannot be written down is not made. Free space in the state directory or repair its "
    "permissions, then apply again.",
)
REASON_LIMIT: Final = 2000
"""Characters kept of an outcome's reason."""
RUN_LIMIT: Final = 1_000_000
"""More entries than any run has."""
STARTED, INTENT, OUTCOME, FINISHED = "run_started", "intent", "outcome", "run_finished"


class UnfinishedRun(Struct, frozen=True):
    """A run without an end: what it intended, by provider, and `open`, the part of that whose outcome is not known."""

    id: int
    operation: str
    started: str
    pid: int
    digest: str
    commit: str
    intended: Mapping[str, Mapping[Key, Action]]
    open: Mapping[str, Mapping[Key, Action]]


class Run:
    """One run being written; made by `Journal.run` and used as a `with` block.

    Leaving the block without `finish` leaves the run unfinished, because its last outcomes are not known.
    """

    def __init__(self, chain: Chain, run_id: int, facts: Mapping[str, Any], *, begun: bool = False) -> None:
        self.id = run_id
        self._writer = Writer(chain)
        self._directory = chain.directory
        self._facts = facts
        self._begun = begun
        self._one_at_a_time = threading.Lock()

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def intent(self, provider: str, changes: Iterable[Change]) -> None:
        """Write down what is about to change. Raises `ConduitError` when that fails: then nothing may change."""
        self._append(INTENT, {"provider": provider, "changes": [[str(c.key), c.action] for c in changes]})

    def outcome(self, outcomes: Iterable[Outcome]) -> None:
        """Write down what became of intended changes. Raises `ConduitError`."""
        self._append(OUTCOME, {"outcomes": list(map(_ended, outcomes))})

    def finish(self, result: str) -> None:
        """End the run; writes nothing when it intended nothing. Raises `ConduitError`."""
        if self._begun:
            self._append(FINISHED, {"result": result})

    def _append(self, event: str, data: Mapping[str, Any]) -> None:
        with self._one_at_a_time, _told("write", self._directory):
            if not self._begun:
                self._writer.append(self.id, STARTED, self._facts)
                self._begun = True
            self._writer.append(self.id, event, data)


class Journal:
    """The journal of one state directory. Opening one does no I/O; writers hold the lock of `conduit.lock`."""

    def __init__(self, directory: Path) -> None:
        self._chain = Chain(directory)

    def run(self, operation: str, digest: str, commit: str = "") -> Run:
        """Return the next run, ready to be used as a `with` block. Nothing is written before its first intent."""
        with _told("read", self._chain.directory):
            last = next(self._chain.newest(), None)
            facts = {"operation": operation, "digest": digest, "pid": os.getpid(), "commit": commit}
            return Run(self._chain, last.run + 1 if last else 1, facts)

    def entries(self, run: int | None = None, limit: int = 100) -> list[Entry]:
        """Return up to `limit` of the last entries, newest last; of one run only when `run` is given."""
        found: list[Entry] = []
        with _told("read", self._chain.directory):
            for entry in self._chain.newest():
                if len(found) == limit or (run is not None and entry.run < run):
                    break
                if run in (None, entry.run):
                    found.append(entry)
        return found[::-1]

    def outcomes(self, run: int) -> dict[Key, Result]:
        """Return how each change of a run ended, as far as it is known."""
        found = (
            each for entry in self.entries(run, RUN_LIMIT) if entry.event == OUTCOME for each in entry.data["outcomes"]
        )
        return {Key.parse(each["key"]): Result(each["result"]) for each in found}

    def unfinished(self) -> UnfinishedRun | None:
        """Return the last run when it has no end, else None; then it has read one block of the file."""
        with _told("read", self._chain.directory):
            newest = self._chain.newest()
            last = next(newest, None)
            if last is None or last.event == FINISHED:
                return None
            rest = takewhile(lambda entry: entry.run == last.run, newest)
            return _unfinished([last, *rest][::-1])

    def settle(self, left: UnfinishedRun) -> None:
        """End a killed run whose changes are made good, so that it is told once. Raises `ConduitError`."""
        with Run(self._chain, left.id, {}, begun=True) as run:
            run.finish("recovered")

    def verify(self) -> BadEntry | None:
        """Return the first entry that was changed, moved or lost, or None."""
        with _told("read", self._chain.directory):
            return self._chain.verify()


@contextmanager
def _told(verb: str, directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        summary = f"cannot {verb} the journal in {directory}: {error.strerror or error}"
        hint = "check space and permissions there, then run the command again"
        raise ConduitError(Diagnostic(JOURNAL_UNUSABLE, summary, hint=hint)) from error


class _Ended(Struct):
    """An outcome as it is written down."""

    key: str
    action: Action
    result: Result
    reason: str
    seconds: float


def _ended(outcome: Outcome) -> _Ended:
    reason = outcome.reason[:REASON_LIMIT]
    return _Ended(str(outcome.key), outcome.action, outcome.result, reason, round(outcome.seconds, 3))


def _unfinished(entries: list[Entry]) -> UnfinishedRun:
    intended: dict[str, dict[Key, Action]] = {}
    pending: dict[str, dict[Key, Action]] = {}
    facts: dict[str, Any] = {"operation": "", "digest": "", "pid": 0, "commit": ""}
    for entry in entries:
        if entry.event == STARTED:
            facts |= {name: entry.data[name] for name in facts if name in entry.data}
        elif entry.event == INTENT:
            changes = {Key.parse(key): Action(action) for key, action in entry.data["changes"]}
            for book in (intended, pending):
                book.setdefault(entry.data["provider"], {}).update(changes)
        elif entry.event == OUTCOME:
            for outcome in entry.data["outcomes"]:
                for waiting in pending.values():
                    waiting.pop(Key.parse(outcome["key"]), None)
    left = {provider: book for provider, book in pending.items() if book}
    return UnfinishedRun(id=entries[0].run, started=entries[0].time, intended=intended, open=left, **facts)
