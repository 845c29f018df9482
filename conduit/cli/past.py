"""runs and journal: what was done, and the record that shows whether somebody changed it."""

from __future__ import annotations

import click

from conduit.cli.app import App, Command, pass_app
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.show.text import columns, escape

BROKEN_JOURNAL = Code(
    "CND-1053",
    "the journal was changed",
    "Each line of the journal holds the hash of the line before it, so an edited, removed or moved line shows. The "
    "message names the first place that does not hold. Compare it with a backup; conduit plans nothing from the "
    "journal, so applies still work.",
)


@click.command(cls=Command)
@click.argument("words", metavar="[N | show N]", nargs=-1)
@pass_app
def runs(app: App, words: tuple[str, ...]) -> None:
    """Show the last N runs, 20 by default, newest last; or one of them with all that it did.

    \b
    Example:
      conduit runs
      conduit runs 5
      conduit runs show 1
    """
    showing = words[:1] == ("show",)
    numbers = words[1:] if showing else words or ("20",)
    if len(numbers) != 1 or not (numbers[0].isascii() and numbers[0].isdigit() and int(numbers[0])):
        raise click.UsageError("write runs, runs N, or runs show N, where N is a number from 1 on")
    if showing:
        _show(app, int(numbers[0]))
        return
    found = app.engine.history.runs(int(numbers[0]))
    if app.json:
        from conduit.plan_json import document, run_document

        app.console.document(document("runs", runs=[run_document(run) for run in found]))
        return
    rows = [
        [str(r.id), r.started, r.operation, r.result, r.commit[:7], " ".join(f"{k}={v}" for k, v in r.summary.items())]
        for r in found
    ]
    rows = [[escape(cell) for cell in row] for row in rows]
    app.console.lines(columns([["RUN", "STARTED", "OPERATION", "RESULT", "COMMIT", "OUTCOMES"], *rows]))


def _show(app: App, number: int) -> None:
    run = app.engine.history.run(number)
    if run is None:
        raise click.UsageError(
            f"there is no record of run {number}; see conduit runs, or conduit journal --run {number}"
        )
    if app.json:
        from conduit.plan_json import document, run_document

        app.console.document(document("run", **run_document(run)))
        return
    facts = {"run": run.id, "started": run.started, "finished": run.finished, "result": run.result}
    facts |= {"commit": run.commit or "none", "plan": run.digest}
    app.console.lines(columns([name, escape(str(value))] for name, value in facts.items()))
    rows = [[str(o.action), str(o.key), str(o.result), f"{o.seconds:.1f} s", o.reason] for o in run.outcomes]
    app.console.lines(columns([["ACTION", "RESOURCE", "RESULT", "TIME", "REASON"], *rows]))


@click.command(cls=Command)
@click.option("--verify", is_flag=True, help="Check the whole chain; exits 1 at the first entry that does not hold.")
@click.option("--run", type=click.IntRange(1), metavar="N", help="Only this run.")
@click.option("--limit", type=click.IntRange(1), default=100, metavar="N", help="At most this many entries.")
@pass_app
def journal(app: App, verify: bool, run: int | None, limit: int) -> None:
    """Show what each run set out to do and what came of it, newest last.

    \b
    Example:
      conduit journal
      conduit journal --verify
    """
    from conduit.plan_json import document, entry_document

    if verify and (bad := app.engine.journal.verify()):
        hint = "compare it with a backup of the state directory"
        raise ConduitError(Diagnostic(BROKEN_JOURNAL, f"the journal does not hold: {bad}", hint=hint))
    entries = [] if verify else app.engine.journal.entries(run, limit)
    if app.json:
        app.console.document(document("journal", verified=verify, entries=[entry_document(each) for each in entries]))
    elif verify:
        app.console.lines(["The journal holds: no entry was changed, moved or lost."])
    elif run and not entries:
        app.console.notes([f"the journal has no entry of run {run}"])
    else:
        app.console.lines(escape(f"{e.seq}  {e.time}  run {e.run}  {e.event}  {_words(e.data)}") for e in entries)


def _words(data: object) -> str:
    from conduit.canonical import canonical

    return canonical(data)
