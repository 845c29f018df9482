"""`conduit serve` whose applies and operations say ok and do nothing while the file `lame` is there.

With it a contract row is tried that has to fail: one that does not would not notice either if conduit did nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conduit.change import Action, Outcome, Result
from conduit.cli.main import run
from conduit.engine import Engine
from conduit.report import Report

apply, operate = Engine.apply, Engine.operate


def lame_apply(self: Engine, *given: Any, **more: Any) -> Report:
    return Report(1, (), {}) if Path("lame").exists() else apply(self, *given, **more)


def lame_operate(self: Engine, key: Any, *given: Any) -> Outcome:
    if Path("lame").exists():
        return Outcome(key, Action.UPDATE, Result.OK, "done")
    return operate(self, key, *given)


Engine.apply, Engine.operate = lame_apply, lame_operate  # type: ignore[method-assign]
raise SystemExit(run(["serve"]))
