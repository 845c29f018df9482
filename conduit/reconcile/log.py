"""The log of the loop: a line of JSON for each thing worth knowing, in ASCII, so that no text can break a line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from conduit.change import Result
from conduit.model import Key
from conduit.plan import Plan
from conduit.reconcile.loop import FAILED
from conduit.reconcile.passes import HELD
from conduit.reconcile.scheduler import SCHEDULED
from conduit.report import Report

MILD = (Result.UNPROVEN, Result.SKIPPED)
"""Outcomes after which nothing is worse than before."""


class Log:
    """Writes what the loop tells. A plan that says the same as the one before is not told again."""

    def __init__(self, stream: Any = None) -> None:
        import structlog

        self._log = structlog.wrap_logger(
            structlog.PrintLogger(stream or sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(default=str),
            ],
        )
        self._digest = ""
        self._known_held: Mapping[Key, str] = {}

    def __call__(self, event: str, content: Any) -> None:
        """Write one event of the loop or its worker."""
        if event == "plan":
            self._plan(content)
        elif event == "report":
            self._report(content)
        elif event == HELD:
            self._held(content)
        elif event == SCHEDULED:
            self._log.info(SCHEDULED, done=content)
        elif event == FAILED:
            for problem in content:
                place = str(problem.source or "")
                self._log.error(
                    "failed", code=problem.code.id, problem=problem.summary, source=place, hint=problem.hint
                )

    def note(self, event: str, **words: Any) -> None:
        """Write something about the process itself."""
        self._log.info(event, **words)

    def _plan(self, plan: Plan) -> None:
        if plan.digest == self._digest:
            return
        self._digest = plan.digest
        for change in plan.drift:
            fields = [field.path for field in change.diff.fields]
            self._log.warning("drift", resource=str(change.key), fields=fields, source=str(change.source))
        changes = {str(change.key): str(change.action) for change in plan.changes}
        self._log.info("plan", digest=plan.digest, commit=plan.commit, changes=changes, unknown=dict(plan.unknown))

    def _held(self, held: Mapping[Key, str]) -> None:
        if held != self._known_held:
            self._known_held = held
            self._log.info(HELD, changes={str(key): reason for key, reason in held.items()})

    def _report(self, report: Report) -> None:
        if not report.run:
            return
        for outcome in report.outcomes:
            write = self._log.warning if outcome.result in MILD else self._log.error
            if outcome.result is not Result.OK:
                write("outcome", resource=str(outcome.key), result=str(outcome.result), reason=outcome.reason)
        counts = {str(result): count for result, count in report.counts.items()}
        self._log.info(
            "applied", run=report.run, result=report.result, outcomes=counts, seconds=round(report.seconds, 3)
        )
