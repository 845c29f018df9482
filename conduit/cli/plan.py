"""validate and diff: is the wish well-formed, and what would an apply change?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conduit.cli.app import App, Command, pass_app
from conduit.cli.names import KeyType
from conduit.show.text import counted

if TYPE_CHECKING:
    from conduit.expand import Desired
    from conduit.model import Key
    from conduit.plan import Plan, Selection


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --target and --exclude."""
    target = click.option(
        "-t", "--target", "targets", type=KeyType(), multiple=True, help="Only this resource; may be repeated."
    )
    exclude = click.option(
        "--exclude", "excludes", type=KeyType(), multiple=True, help="Leave this resource out; may be repeated."
    )
    return target(exclude(command))


@click.command(cls=Command)
@pass_app
def validate(app: App) -> int:
    """Check every manifest and the settings, and tell all problems at once. Asks no daemon.

    \b
    Example:
      conduit validate
      conduit validate --json
    """
    desired = app.engine.load()
    warnings = app.engine.warnings
    if app.json:
        from conduit.plan_json import document, problem_document

        told = [problem_document(warning) for warning in warnings]
        found = {"resources": len(desired.roots), "leaves": len(desired.leaves), "warnings": told}
        app.console.document(document("validate", **found))
    else:
        from conduit.show.diagnostics import problems_lines

        app.console.notes(problems_lines(warnings, app.console.error_view))
        app.console.lines([f"Valid: {counted(len(desired.roots), 'resource')}."])
    return 0


@click.command(cls=Command)
@click.argument("keys", type=KeyType(), nargs=-1, metavar="[KIND/NAME]...")
@selection_options
@click.option(
    "-o", "--out", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Save it for `apply FILE`."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when changes are pending, 3 on drift, 6 on UNKNOWN.")
@click.option("--allow-deletes", type=click.IntRange(0), metavar="N", help="Allow a plan of exactly N deletions.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a comment or a job summary.")
@pass_app
def diff(
    app: App,
    keys: tuple[Key, ...],
    targets: tuple[Key, ...],
    excludes: tuple[Key, ...],
    out: Path | None,
    detailed_exitcode: bool,
    allow_deletes: int | None,
    markdown: bool,
) -> int:
    """Show what an apply would change, compared with the live daemons. Changes nothing. `plan` is the same.

    KIND/NAME stands for --target KIND/NAME.

    \b
    Example:
      conduit diff
      conduit diff service/wiki -v
      conduit diff --out plan.json --detailed-exitcode
    """
    targets = (*keys, *targets)
    whole = not (targets or excludes or out or markdown) and allow_deletes is None
    if whole and not app.json and app.verbosity <= 0 and _print_settled(app):
        return 0
    from conduit.plan import Selection
    from conduit.show.summary import Summary

    plan = make_plan(app, Selection(targets, excludes, allow_deletes))
    if not app.suspended:
        app.engine.keep_evidence(plan)
    if out:
        from conduit.saved_plan import save_plan

        save_plan(out, plan)
    print_plan(app, plan, markdown=markdown)
    return int(Summary.of(plan).state) if detailed_exitcode else 0


def _print_settled(app: App) -> bool:
    """Print the answer of an empty plan when everything it was drawn from is still the same; else print nothing."""
    from conduit.settled import settled
    from conduit.show.summary import in_sync, left_alone

    found = settled(app.settings_file)
    if found is None:
        return False
    if found.unmanaged and app.verbosity == 0:
        app.console.lines([left_alone(found.unmanaged), ""])
    app.console.lines([app.console.view.style("bold", in_sync(found.commit))])
    return True


def make_plan(app: App, selection: Selection) -> Plan:
    """Plan a selection; a target that is neither declared nor live is a mistake in the command line."""
    engine = app.engine
    desired = engine.load()
    plan = engine.plan_for(desired, engine.observe(), selection)
    if selection.targets and not plan.unknown:
        _require_known(selection.targets, desired, plan)
    return plan


def _require_known(targets: Iterable[Key], desired: Desired, plan: Plan) -> None:
    known = {*desired.roots, *desired.leaves, *(key for change in plan.changes for key in (change.key, change.root))}
    for target in targets:
        if target not in known:
            from conduit.dialect.words import did_you_mean

            hint = did_you_mean(str(target), map(str, known)) or "see conduit diff"
            raise click.UsageError(f"{target} is neither declared nor live; {hint}")


def print_plan(app: App, plan: Plan, *, markdown: bool = False) -> None:
    """Print a plan in the form that was asked for."""
    if app.json:
        from conduit.plan_json import plan_document

        app.console.document(plan_document(plan))
    elif markdown:
        from conduit.show.markdown import markdown_lines

        app.console.lines(markdown_lines(plan, app.console.view))
    else:
        from conduit.show.plan import plan_lines

        app.console.lines(plan_lines(plan, app.console.view))
