"""apply and rollback: make a plan true, of the manifests as they are, as they were, or as a saved plan has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conduit.cli.app import App, Command, pass_app, store
from conduit.cli.carry_out import carry_through
from conduit.cli.plan import make_plan, selection_options
from conduit.model import Key

if TYPE_CHECKING:
    from conduit.plan import Plan, Selection


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
