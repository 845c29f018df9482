"""drift and accept: what the host changed, and taking it over into the manifests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from conduit.cli.app import App, Command, pass_app
from conduit.cli.deed import Deed, login_user
from conduit.cli.names import KeyType
from conduit.show.text import View, escape

if TYPE_CHECKING:
    from conduit.manifests.saving import Saved
    from conduit.manifests.store import Draft
    from conduit.model import Key
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
@click.option("--check", is_flag=True, help="Show what would be written and write nothing.")
@click.option("--diff", "shown", is_flag=True, help="Show what is written, as git does.")
@pass_app
def accept(app: App, subject: str, check: bool, shown: bool) -> int:
    """Write what the host has into the manifest, comments kept, and commit it where there is git.

    \b
    Example:
      conduit accept dns_record/printer.value --check
      conduit accept dns_record/printer.value
      conduit accept service/wiki
    """
    from conduit.accept import accept as take_over
    from conduit.accept import way_back

    engine = app.engine
    if check:
        found = way_back(engine, subject)
        _tell(app, engine.store.draft(found.root, found.edits), found.left, shown=True)
        return 0
    with Deed(app, "accept", f"accepted {subject}", address=subject) as deed:
        deed.begin()
        engine.store.recover()
        found = way_back(engine, subject)
        draft = engine.store.draft(found.root, found.edits)
        saved, left = take_over(engine, found, person())
        deed.details["commit"] = saved.commit
    app.console.notes(map(escape, saved.warnings))
    _tell(app, draft, left, saved, shown=shown)
    return 0


def _tell(app: App, draft: Draft, left: Sequence[Key], saved: Saved | None = None, *, shown: bool) -> None:
    """Print an edit and what came of it; `saved` is None when it was not made."""
    from conduit.show.detail import edit_lines

    if app.json:
        from conduit.plan_json import document

        diff = "\n".join(edit_lines(*draft, View()))
        told = {"saved": saved is not None, "file": draft.file, "commit": saved.commit if saved else ""}
        app.console.document(document("accepted", **told, diff=diff, left=list(map(str, left))))
        return
    if shown:
        app.console.lines(edit_lines(*draft, app.console.view))
    if saved:
        commit = f", commit {saved.commit[:7]}" if saved.commit else ""
        app.console.lines([f"Accepted: {escape(saved.file)}{commit}."])
    app.console.notes(f"{frame} stays drift until the next apply writes it: conduit apply" for frame in left)


def person() -> Author:
    """Return who runs this command, as the author of commits."""
    from conduit.providers.git import Author

    name = login_user()
    return Author(name, f"{name}@{os.uname().nodename}")
