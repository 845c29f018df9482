"""What answers look like: a pass as a command's result, times as clients of the documented API read them. Pure."""

from __future__ import annotations

from conduit.api.routing import Result
from conduit.change import Outcome
from conduit.change import Result as Ending
from conduit.measures import rfc3339
from conduit.model import Key
from conduit.plan_json import outcome_document
from conduit.reconcile.asks import Passed
from conduit.report import Report
from conduit.show.report import report_lines, report_sentence
from conduit.show.text import View

DONE = (Ending.OK, Ending.UNPROVEN)


def applied(passed: Passed, root: Key | None = None, said: str = "") -> Result:
    """Return a pass as the result of a command; `ok` is about `root` alone when it is given.

    `said` comes first in the text of one that worked.
    """
    report = passed.report or Report(0, (), {})
    own = [each for each in report.outcomes if root is None or passed.root_of(each.key) == root]
    failed = [each for each in own if each.result not in DONE]
    unjudged = passed.unjudged(root)
    ok = not failed and not unjudged and not report.stale and not report.interrupted
    lines = [*([said] if said and ok else []), *report_lines(report, View())]
    problems = [f"{each.key}: {each.result}: {each.reason}" for each in failed]
    problems += [f"{key}: {reason}" for key, reason in unjudged.items()]
    doubts = [f"{each.key}: applied, but unproven: {each.reason}" for each in own if each.result is Ending.UNPROVEN]
    if not ok and not problems:
        problems.append(report_sentence(report))
    return Result(
        ok=ok,
        stdout="\n".join(lines) + "\n",
        stderr="".join(f"{line}\n" for line in [*problems, *doubts, *report.warnings]),
        exit_code=0 if ok else report.exit_code or 4,
        changes=[outcome_document(outcome) for outcome in report.outcomes],
        run=report.run,
    )


def operated(outcome: Outcome) -> Result:
    """Return a one-off verb as the result of a command."""
    ok = outcome.result is Ending.OK
    text = f"{outcome.reason}\n" if outcome.reason else ""
    return Result(
        ok=ok,
        stdout=text if ok else "",
        stderr="" if ok else text,
        exit_code=0 if ok else 4,
        changes=[outcome_document(outcome)],
        run=0,
    )


def refused(words: str, exit_code: int = 1) -> Result:
    """Return something that could not be done as the result of a command."""
    return Result(ok=False, stdout="", stderr=f"{words}\n", exit_code=exit_code, changes=[], run=0)


def instant(epoch: float | None) -> str | None:
    """Return seconds since the epoch as RFC 3339 in UTC."""
    return None if epoch is None else rfc3339(epoch, "milliseconds")


def table(*rows: tuple[str, ...]) -> str:
    """Return rows as text in columns, the first one underlined."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    head, *rest = rows
    lines = [head, tuple("-" * len(cell) for cell in head), *rest]
    return "".join(" ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() + "\n" for line in lines)
