"""Carrying out a command of a kind: what changes something holds the lock and is in the journal, like an apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from msgspec import Struct

from conduit.change import NO_DIFF, Action, Change, Origin, Outcome, Result
from conduit.command import Command
from conduit.journal import Journal
from conduit.kind import Context
from conduit.model import Key, Source
from conduit.spec import Spec

FAILED = 4
"""The exit code of a command that did not do all it set out to do, as of an apply."""


def perform(command: Command, doing: Doing, name: str, params: Spec) -> int:
    """Carry out a command; see `Engine.perform`."""
    code = command.run(doing, name, params)
    return FAILED if doing.failed else code


class Doing(Struct):
    """`command.Doing` for one command; `failed` collects why each key failed."""

    name: str
    listen: Callable[[dict[str, Any]], None]
    context: Context
    hold: Callable[[str], AbstractContextManager[None]]
    journal: Journal
    begin: Callable[[], object]
    failed: dict[Key, str] = {}

    def tell(self, **found: Any) -> None:
        """Hand one finding on."""
        self.listen(found)

    @contextmanager
    def changing(self, keys: Iterable[Key], provider: str) -> Iterator[dict[Key, str]]:
        """Journal what is done inside a `with` block, under the lock."""
        self.begin()
        changes = [_change(key, provider) for key in keys]
        failed: dict[Key, str] = {}
        with self.hold(self.name), self.journal.run(self.name, "") as run:
            run.intent(provider, changes)
            yield failed
            run.outcome([_outcome(change.key, failed.get(change.key)) for change in changes])
            run.finish("partly" if failed else "ok")
        self.failed |= failed


def _change(key: Key, provider: str) -> Change:
    return Change(Action.UPDATE, key, provider, NO_DIFF, Origin.UNKNOWN, Source(""), key)


def _outcome(key: Key, reason: str | None) -> Outcome:
    return Outcome(key, Action.UPDATE, Result.OK if reason is None else Result.FAILED, reason or "")
