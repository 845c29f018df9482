"""drift and accept: what the host changed, and taking it over into the manifests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from conduit.cli.app import App, Command, pass_app
from conduit.cli.deed import Deed, login_user
from conduit.cli.names import KeyType
from conduit.show.text import escape

if TYPE_CHECKING:
    from conduit.providers.git import Author


@click.command(cls=Command)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 3 on drift, 6 when a daemon cannot be read.")
@pass_app
def drift(app: App, detailed_exitcode: bool) -> int:
    """Show what the host changed: the live and the declared value, since when, and where it is declared.

    \b
    Example:
      conduit drift
      conduit drift --json
    """
    from conduit.show.drift import drift_lines, drifted

    engine = app.engine
    plan = engine.plan()
    rows = list(drifted(plan, engine.history.drift(), engine.locate_change))
    if app.json:
        from conduit.plan_json import document, drift_document

        told = [drift_document(each) for each in rows]
        app.console.document(document("drift", drift=told, ignored=len(plan.ignored), unknown=dict(plan.unknown)))
    else:
        app.console.notes(f"{escape(name)} is UNKNOWN: {escape(why)}" for name, why in plan.unknown.items())
        app.console.lines(drift_lines(rows, len(plan.ignored), app.console.view))
    return (3 if rows else 6 if plan.unknown else 0) if detailed_exitcode else 0


@click.command(cls=Command)
@click.argument("subject", metavar="KIND/NAME[.FIELD]", shell_complete=KeyType().shell_complete)
@pass_app
def accept(app: App, subject: str) -> int:
    """Write what the host has into the manifest, comments kept, and commit it where there is git.

    \b
    Example:
      conduit accept dns_record/printer.value
      conduit accept service/wiki
    """
    from conduit.accept import accept as take_over

    engine = app.engine
    with Deed(app, "accept", f"accepted {subject}", address=subject) as deed:
        deed.begin()
        engine.store.recover()
        saved, left = take_over(engine, subject, person())
        deed.details["commit"] = saved.commit
    app.console.notes(map(escape, saved.warnings))
    commit = f", commit {saved.commit[:7]}" if saved.commit else ""
    app.console.lines([f"Accepted: {escape(saved.file)}{commit}."])
    app.console.notes(f"{frame} stays drift until the next apply writes it: conduit apply" for frame in left)
    return 0


def person() -> Author:
    """Return who runs this command, as the author of commits."""
    from conduit.providers.git import Author

    name = login_user()
    return Author(name, f"{name}@{os.uname().nodename}")
