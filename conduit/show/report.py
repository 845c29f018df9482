"""The end of an apply as text: what was done, what was not and why, and the next command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from conduit.change import Action, Outcome, Proof, Result
from conduit.report import FAILED_PARTLY, INTERRUPTED, MOVED, OK, SKIPPED, Event, Report
from conduit.show.text import View, duration, escape

DONE = (Result.OK, Result.UNPROVEN)
NAMED = {
    Result.FAILED: ("FAILED", "error"),
    Result.REVERTED: ("REVERTED", "error"),
    Result.QUARANTINED: ("QUARANTINED", "error"),
    Result.SKIPPED: ("SKIPPED", "warning"),
}
LISTED = 20
"""Keys named in one line before the rest is counted."""


def report_lines(report: Report, view: View) -> Iterator[str]:
    """Yield the report of an apply; a quiet view has only what went wrong and the last line."""
    for words in report.recovered:
        yield f"recovered: {escape(words)}"
    failed = [outcome for outcome in report.outcomes if outcome.result in NAMED]
    if failed and view.verbosity >= 0:
        yield from _applied(report, view)
    yield from _failed(failed, view)
    yield from (
        f"{escape(str(each.key))} answered: {escape(each.said)}" for each in report.proofs.values() if each.said
    )
    yield from _unproven(report, view)
    for words in report.warnings:
        yield view.style("warning", f"warning: {escape(words)}")
    if not report.outcomes:
        yield from (_owed(proof, view) for proof in report.proofs.values())
    yield view.style("bold" if report.exit_code == OK else "error", report_sentence(report))
    if next_step := next_command(report):
        yield f"next: {next_step}"


def _owed(proof: Proof, view: View) -> str:
    """Tell of a root that was applied earlier and still owed its proof."""
    words = f"{escape(str(proof.key))}: {escape(proof.detail)}"
    return f"proven now: {words}" if proof.passed else view.style("warning", f"warning: still unproven: {words}")


def report_sentence(report: Report) -> str:
    """Return the last word on an apply, with every resource that was not applied by name."""
    done = Counter(outcome.action for outcome in report.outcomes if outcome.result in DONE)
    parts = [f"{done[Action.CREATE]:,} added", f"{done[Action.UPDATE]:,} changed"]
    parts += [f"{done[Action.REPLACE]:,} replaced"] if done[Action.REPLACE] else []
    parts += [f"{done[Action.ADOPT]:,} adopted"] if done[Action.ADOPT] else []
    parts.append(f"{done[Action.DELETE]:,} destroyed")
    counts = report.counts
    for result, (word, _) in NAMED.items():
        keys = [str(outcome.key) for outcome in report.outcomes if outcome.result is result] if counts[result] else []
        if keys:
            parts.append(f"{len(keys):,} {word} ({escape(_listed(keys))})")
    return f"{_title(report)}: {', '.join(parts)}.  {duration(report.seconds)}"


def next_command(report: Report) -> str:
    """Return what to do next; nothing after a complete apply."""
    failed = next((outcome.key for outcome in report.outcomes if outcome.result in NAMED), None)
    if report.exit_code == INTERRUPTED:
        return "conduit apply    goes on where this stopped"
    if report.exit_code == MOVED:
        return "conduit diff    shows what moved"
    if report.exit_code == FAILED_PARTLY and failed:
        import shlex

        return f"conduit diff -t {shlex.quote(escape(str(failed)))}    after correcting it"
    if report.unread:
        return "conduit doctor    tells why a daemon cannot be read"
    return "conduit diff    tells what is not known, and why" if report.exit_code == SKIPPED else ""


def event_line(event: Event, clock: str) -> str:
    """Return one line of progress; `clock` is the time of day, empty on a terminal."""
    subject = event.key or event.provider
    words = f"{escape(str(subject))}: {event.kind}" + (f": {escape(event.text)}" if event.text else "")
    return f"{clock} {words}" if clock else f"  {words}"


def _title(report: Report) -> str:
    if report.interrupted:
        return "Apply interrupted"
    return "Apply complete" if report.exit_code == OK else "Apply incomplete"


def _failed(outcomes: Iterable[Outcome], view: View) -> Iterator[str]:
    """Tell what was not applied; a reason that several have stands at the first of them."""
    first: dict[str, str] = {}
    for outcome in outcomes:
        word, role = NAMED[outcome.result]
        key = escape(str(outcome.key))
        known = first.setdefault(outcome.reason, key)
        reason = escape(outcome.reason) if known == key else f"as {known}"
        yield f"{view.style(role, f'{word:<11}')} {key}  {reason}"


def _applied(report: Report, view: View) -> Iterable[str]:
    keys = [str(outcome.key) for outcome in report.outcomes if outcome.result in DONE]
    names = ", ".join(keys) if view.verbosity > 0 else _listed(keys)
    return [f"applied: {escape(names)}"] if keys else []


def _listed(keys: list[str]) -> str:
    rest = len(keys) - LISTED
    return ", ".join(keys) if rest <= 0 else f"{', '.join(keys[:LISTED])} and {rest:,} more"


def _unproven(report: Report, view: View) -> Iterator[str]:
    doubts: dict[str, list[str]] = {}
    for outcome in report.outcomes:
        if outcome.result is Result.UNPROVEN:
            doubts.setdefault(_doubt(report, outcome), []).append(str(outcome.key))
    for doubt, keys in doubts.items():
        words = f"warning: applied, but unproven: {escape(_listed(keys))}: {escape(doubt)}"
        yield view.style("warning", words)


def _doubt(report: Report, outcome: Outcome) -> str:
    proof = report.proofs.get(outcome.key)
    return outcome.reason or (proof.detail if proof else "no proof")
