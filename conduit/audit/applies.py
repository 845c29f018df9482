"""An apply as an act: which commit and plan, which run, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from conduit.audit.act import CONDUIT, FAILURE, SUCCESS, Act
from conduit.plan import Plan
from conduit.report import Report


def applied(plan: Plan, report: Report) -> Act:
    """Return what conduit applied by itself as an act."""
    status = FAILURE if report.exit_code else SUCCESS
    details = details_of(plan, report)
    return Act("apply", status, sentence(report), CONDUIT, details=details)


def killed(run: int, told: Iterable[str]) -> Act:
    """Return a run that did not come to its end as an act; the journal has what it intended."""
    return Act("run_killed", FAILURE, "; ".join(told), CONDUIT, details={"run": run})


def details_of(plan: Plan, report: Report) -> dict[str, object]:
    """Return what ties an act to git, to a plan and to the journal."""
    outcomes = {str(result): count for result, count in sorted(report.counts.items())}
    return {"run": report.run, "digest": plan.digest, "commit": plan.commit, "outcomes": outcomes}


def sentence(report: Report) -> str:
    """Return the end of an apply in words."""
    counts = ", ".join(f"{count} {result}" for result, count in sorted(report.counts.items()))
    return f"run {report.run} ended {report.result}: {counts or 'nothing changed'}"
