"""How a plan is carried out at a terminal: shown, asked about, applied while its progress is told, reported."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from conduit.cli.app import App
from conduit.cli.deed import Deed
from conduit.cli.plan import print_plan
from conduit.errors import Unsafe

if TYPE_CHECKING:
    from conduit.plan import Plan
    from conduit.report import Event, Report


def carry_through(
    app: App,
    operation: str,
    planned: Callable[[], Plan],
    yes: bool,
    check: bool,
    *,
    prove: bool,
    ask: bool = True,
    before: Callable[[], None] = lambda: None,
) -> int:
    """Plan, show, ask unless `yes`, call `before`, apply, report. With `check` nothing is written."""
    if ask and not (yes or check or (app.console.interactive and not app.json)):
        raise click.UsageError("this is no terminal to ask on; use --yes, --check or a saved plan")
    if app.json:
        from conduit import __version__
        from conduit.plan_json import document

        app.console.document(document("version", conduit=__version__))
    if not check:
        app.engine.recover()
    plan = planned()
    print_plan(app, plan if app.json else replace(plan, unsafe=()))
    if plan.unsafe:
        raise Unsafe(plan.unsafe)
    if check:
        return 0
    if plan.changes and ask and not yes and not click.confirm("Apply these changes?"):
        app.console.notes(["nothing was changed"])
        return 1
    with Deed(app, click.get_current_context().command.name or "apply") as deed:
        if plan.changes:
            deed.begin()
            before()
        return _carry_out(app, plan, deed, operation, prove=prove)


def _carry_out(app: App, plan: Plan, deed: Deed, operation: str, *, prove: bool) -> int:
    from conduit.audit.applies import details_of, sentence
    from conduit.report import BREATH, ApplyOptions

    with _stoppable() as (stop, signals):
        options = ApplyOptions(prove, app.timeout, operation, app.parallel, BREATH)
        report = app.engine.apply(plan, options, _listener(app), stop)
    deed.ok, deed.message, deed.details = not report.exit_code, sentence(report), details_of(plan, report)
    if app.json:
        from conduit.plan_json import report_document

        app.console.document(report_document(report))
    elif report.outcomes or report.recovered or report.warnings or report.proofs:
        _print_report(app, report)
    return 128 + signals[0] if report.interrupted and signals else report.exit_code


def _print_report(app: App, report: Report) -> None:
    from conduit.show.report import report_lines

    app.console.lines(report_lines(report, app.console.view))


def _listener(app: App) -> Callable[[Event], None]:
    """Return what prints progress: JSON lines, plain lines on a terminal, lines with a time elsewhere."""
    if app.json:
        from conduit.plan_json import event_document

        return lambda event: app.console.document(event_document(event))
    if app.verbosity < 0:
        from conduit.report import nobody

        return nobody
    from conduit.show.report import event_line

    def tell(event: Event) -> None:
        app.console.lines([event_line(event, "" if app.console.interactive else time.strftime("%H:%M:%S"))])

    return tell


@contextmanager
def _stoppable() -> Iterator[tuple[threading.Event, list[int]]]:
    """Let the first signal ask the apply to stop after its step, and the second end the process at once.

    Ending at once is safe: the journal has the intent, and the next run tells and repairs what was left.
    """
    stop = threading.Event()
    signals: list[int] = []

    def on_signal(number: int, _frame: object) -> None:
        signals.append(number)
        if len(signals) > 1:
            os._exit(128 + number)
        stop.set()
        os.write(2, b"stopping after the current step; once more aborts at once\n")

    earlier = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop, signals
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
