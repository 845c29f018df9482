"""sandbox: private daemons below ./.sandbox to try conduit on; nothing outside it is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conduit.cli.app import App, Command, pass_app
from conduit.show.text import columns, escape

if TYPE_CHECKING:
    from conduit.sandbox.site import Sandbox, Status


@click.group()
def sandbox() -> None:
    """Start, stop and look at private daemons in ./.sandbox, which serve ./desired."""


@sandbox.command(cls=Command)
@click.option("--demo", is_flag=True, help="With the ports and upstreams that conduit's own desired/ names.")
@pass_app
def up(app: App, demo: bool) -> None:
    """Start a private Caddy and dnsmasq, with --demo an nginx too; a second call changes nothing.

    \b
    Example:
      conduit sandbox up
    """
    site = _site(demo)
    _show(app, site.up())
    if not app.json:
        app.console.lines([f"Next: conduit --config {escape(str(site.settings_file.relative_to(Path.cwd())))} diff"])


@sandbox.command(cls=Command)
@pass_app
def down(app: App) -> None:
    """Stop the daemons the sandbox started, and nothing else.

    \b
    Example:
      conduit sandbox down
    """
    _show(app, _site().down())


@sandbox.command("status", cls=Command)
@pass_app
def status(app: App) -> None:
    """Show which daemons of the sandbox run, and where.

    \b
    Example:
      conduit sandbox status
    """
    _show(app, _site().status())


def _site(demo: bool = False) -> Sandbox:
    from conduit.sandbox.site import Sandbox, of_checkout

    here = Path.cwd()
    return of_checkout(here) if demo else Sandbox(here / ".sandbox", desired=here / "desired")


def _show(app: App, daemons: Sequence[Status]) -> None:
    if app.json:
        from conduit.plan_json import document

        app.console.document(document("sandbox", daemons=[asdict(daemon) for daemon in daemons]))
        return
    rows = [[d.name, f"pid {d.pid}" if d.pid else "stopped", d.address, escape(str(d.directory))] for d in daemons]
    app.console.lines(columns([["DAEMON", "STATE", "ADDRESS", "DIRECTORY"], *rows]))
