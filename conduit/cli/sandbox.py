"""sandbox: private daemons below ./.sandbox to try conduit on; nothing outside it is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conduit.cli.app import App, Command, Group, pass_app
from conduit.show.text import columns, escape

if TYPE_CHECKING:
    from conduit.sandbox.site import Sandbox, Status


@click.group(cls=Group)
def sandbox() -> None:
    """Start, stop and look at private daemons in ./.sandbox, which serve ./desired."""


@sandbox.command(cls=Command)
@click.option("--nginx", is_flag=True, help="With an nginx too.")
@click.option("--docker", is_flag=True, help="With a Docker too, which needs root.")
@click.option("--demo", is_flag=True, help="With all, and the ports and upstreams that conduit's own desired/ names.")
@pass_app
def up(app: App, nginx: bool, docker: bool, demo: bool) -> None:
    """Start a private Caddy and dnsmasq, and what else is asked for; a second call changes nothing.

    \b
    Example:
      conduit sandbox up
      conduit sandbox up --nginx
    """
    from conduit.sandbox.site import of_checkout

    site = of_checkout(Path.cwd()) if demo else _site(nginx=nginx, docker=docker)
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


def _site(*, nginx: bool = False, docker: bool = False) -> Sandbox:
    """Return the sandbox of this directory, with what is asked for and what it has already."""
    from conduit.sandbox.site import Sandbox

    directory, desired = Path.cwd() / ".sandbox", Path.cwd() / "desired"
    known = Sandbox(directory).daemons
    proxies = ("caddy", "nginx") if nginx or "nginx" in known else ("caddy",)
    return Sandbox(directory, desired=desired, proxies=proxies, docker=docker or "docker" in known)


def _show(app: App, daemons: Sequence[Status]) -> None:
    if app.json:
        from conduit.plan_json import document

        app.console.document(document("sandbox", daemons=[asdict(daemon) for daemon in daemons]))
        return
    rows = [[d.name, f"pid {d.pid}" if d.pid else "stopped", d.address, escape(str(d.directory))] for d in daemons]
    app.console.lines(columns([["DAEMON", "STATE", "ADDRESS", "DIRECTORY"], *rows]))
