"""`conduit serve` whose applies, operations and writes of self.db say ok and do nothing while the file `lame` is there.

With it a contract row is tried that has to fail: one that does not would not notice either if conduit did nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from conduit.change import Action, Outcome, Result
from conduit.cli.main import run
from conduit.engine import Engine
from conduit.providers.self_store import SelfStore, Tables
from conduit.reconcile import suspension
from conduit.report import Report

apply, operate, writing = Engine.apply, Engine.operate, SelfStore.writing
suspend, resume = suspension.suspend, suspension.resume


def lame_apply(self: Engine, *given: Any, **more: Any) -> Report:
    return Report(1, (), {}) if Path("lame").exists() else apply(self, *given, **more)


def lame_operate(self: Engine, key: Any, *given: Any) -> Outcome:
    if Path("lame").exists():
        return Outcome(key, Action.UPDATE, Result.OK, "done")
    return operate(self, key, *given)


@contextmanager
def lame_writing(self: SelfStore) -> Iterator[Tables]:
    with suppress(Undone), writing(self) as tables:
        yield tables
        if Path("lame").exists():
            raise Undone


def lame_suspend(*given: Any) -> suspension.Suspension | None:
    return None if Path("lame").exists() else suspend(*given)


def lame_resume(state: Path) -> None:
    if not Path("lame").exists():
        resume(state)


class Undone(Exception):
    """Takes a change of self.db back."""


SelfStore.writing = lame_writing  # type: ignore[method-assign,assignment]
suspension.suspend, suspension.resume = lame_suspend, lame_resume  # type: ignore[assignment]
Engine.apply, Engine.operate = lame_apply, lame_operate  # type: ignore[method-assign]
raise SystemExit(run(["serve"]))
