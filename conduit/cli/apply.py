"""apply: make the plan true, with a question before and a report after."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conduit.cli.app import App, Command, pass_app, store
from conduit.cli.deed import Deed
from conduit.cli.plan import make_plan, print_plan, selection_options
from conduit.errors import Unsafe
from conduit.model import Key

if TYPE_CHECKING:
    from conduit.plan import Plan, Selection
    from conduit.report import Event, Report


def how_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --parallel and --diff, which are kept on the `App`."""
    parallel = click.option(
        "--parallel",
        type=click.IntRange(1),
        metavar="N",
        expose_value=False,
        callback=store,
        help="Do at most N things at once.",
    )
    diff = click.option(
        "--diff", is_flag=True, expose_value=False, callback=_show_whole, help="Show long values whole, like -vv."
    )
    return parallel(diff(command))


def _show_whole(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(App).verbosity = 2


@click.command(cls=Command)
@click.argument("saved", type=click.Path(path_type=Path), metavar="[PLAN]", required=False)
@selection_options
@click.option("-y", "--yes", "--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--check", is_flag=True, help="Show what would be done and write nothing.")
@click.option("--allow-deletes", type=click.IntRange(0), metavar="N", help="Allow a plan of exactly N deletions.")
@click.option("--no-prove", is_flag=True, help="Do not check from outside what was applied.")
@how_options
@click.option("--resume", is_flag=True, help="Only what the last run did not finish, planned anew.")
@click.option("--undo", is_flag=True, help="The manifests of the run before the last one, as they were then.")
@pass_app
def apply(
    app: App, /, saved: Path | None, yes: bool, check: bool, no_prove: bool, resume: bool, undo: bool, **selected: Any
) -> int:
    """Make the live daemons match the manifests, or do exactly the saved PLAN.

    A saved plan was looked at, so it is not asked about; it is refused when anything moved since. Ctrl-C once
    finishes the current step and stops, twice aborts.

    \b
    Example:
      conduit apply --check
      conduit apply --yes
      conduit apply plan.json
      conduit apply --yes --target service/wiki --parallel 2
      conduit apply --yes --resume
    """
    if saved and any(value not in ((), None) for value in selected.values()):
        raise click.UsageError("a saved plan has its own selection; give --target, --exclude, --allow-deletes to diff")
    if bool(saved) + resume + undo > 1:
        raise click.UsageError("a saved plan, --resume and --undo exclude each other")
    if undo:
        return go_back(app, "undo", _undo(app), yes=yes, check=check, prove=not no_prove, **selected)
    if resume:
        from conduit.past import unfinished

        left = unfinished(app.engine)
        if not left:
            app.console.notes(["the last run left nothing undone"])
            return 0
        selected["targets"] = (*selected["targets"], *left)
    operation = "resume" if resume else "apply"
    planned = partial(_plan, app, saved, **selected)
    return carry_through(app, operation, planned, yes, check, prove=not no_prove, ask=not saved)


@click.command(cls=Command)
@click.argument("revision")
@selection_options
@click.option("-y", "--yes", "--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--check", is_flag=True, help="Show what would be done and write nothing.")
@click.option("--allow-deletes", type=click.IntRange(0), metavar="N", help="Allow a plan of exactly N deletions.")
@click.option("--no-prove", is_flag=True, help="Do not check from outside what was applied.")
@how_options
@pass_app
def rollback(app: App, /, revision: str, yes: bool, check: bool, no_prove: bool, **selected: Any) -> int:
    """Make the live daemons match the manifests of an earlier commit. The manifests themselves stay as they are.

    The loop is suspended, because it would go forward again: put the manifests right, then conduit resume.

    \b
    Example:
      conduit rollback HEAD~1 --check
    """
    from conduit.past import rollback as plan_of

    def planned(selection: Selection) -> Plan:
        return plan_of(app.engine, revision, selection)

    return go_back(app, "rollback", planned, yes=yes, check=check, prove=not no_prove, **selected)


def _undo(app: App) -> Callable[[Selection], Plan]:
    from conduit.past import undo

    return lambda selection: undo(app.engine, selection)


def go_back(
    app: App,
    operation: str,
    planned: Callable[[Selection], Plan],
    *,
    yes: bool,
    check: bool,
    prove: bool,
    targets: tuple[Key, ...],
    excludes: tuple[Key, ...],
    allow_deletes: int | None,
) -> int:
    """Carry out a plan of earlier manifests, with the loop suspended before anything changes."""
    from conduit.plan import Selection
    from conduit.reconcile.suspension import suspend

    def suspended() -> None:
        told = suspend(app.engine.state, app.engine.now(), "earlier manifests were applied")
        app.console.notes([f"The loop is {told}. Put the manifests right, then: conduit resume"])

    selection = Selection(targets, excludes, allow_deletes)
    return carry_through(app, operation, lambda: planned(selection), yes, check, prove=prove, before=suspended)


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
    print_plan(app, plan if app.json else plan._replace(unsafe=()))
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


def _plan(
    app: App, saved: Path | None, targets: tuple[Key, ...], excludes: tuple[Key, ...], allow_deletes: int | None
) -> Plan:
    from conduit.plan import Selection

    if saved is None:
        return make_plan(app, Selection(targets, excludes, allow_deletes))
    from conduit.saved_plan import read_plan

    looked_at = read_plan(saved)
    plan = app.engine.plan(looked_at.selection)
    looked_at.require(plan)
    return plan


def _carry_out(app: App, plan: Plan, deed: Deed, operation: str, *, prove: bool) -> int:
    from conduit.audit.applies import details_of, sentence
    from conduit.report import ApplyOptions

    with _stoppable() as (stop, signals):
        report = app.engine.apply(plan, ApplyOptions(prove, app.timeout, operation, app.parallel), _listener(app), stop)
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
    from conduit.plan_json import event_document
    from conduit.show.report import event_line

    def tell(event: Event) -> None:
        if app.json:
            app.console.document(event_document(event))
        elif app.verbosity >= 0:
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
