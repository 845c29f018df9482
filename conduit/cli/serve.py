"""serve and api: the REST API of this site, and what it looks like without running it."""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

import click

from conduit.cli.app import App, Command, Group, pass_app
from conduit.show.text import columns

if TYPE_CHECKING:
    from litestar import Litestar

    from conduit.identity.door import Door

TURN: Final = 0.0005
"""Seconds a thread that computes keeps the interpreter from one that serves. Python's own 5 ms are waited for anew with
each connection that has something to read: sixteen clients wait 80 ms while a pass plans."""


@click.command(cls=Command)
@pass_app
def serve(app: App) -> None:
    """Keep the site true like `watch`, with its log, and serve the REST API and the dashboard, until a signal ends it.

    People log in, programs show keys, and CONDUIT_API_KEY is one admin key. Where nobody could log in, a token that
    makes the first admin is written into the state directory. Beyond loopback the API needs a certificate: api.tls in
    conduit.yaml.

    \b
    Example:
      conduit serve
    """
    from conduit.api.app import served
    from conduit.api.desk import Desk
    from conduit.api.server import refuse_open, serve
    from conduit.cli.watch import attend
    from conduit.identity.one_key import key_of_environment
    from conduit.providers.service_manager import ServiceManager
    from conduit.reconcile.log import Log

    gc.enable()
    sys.setswitchinterval(TURN)
    desk, ended = Desk(app.settings, key_of_environment(), Log()), threading.Event()
    refuse_open(app.settings)
    _offer_bootstrap(app, desk.door)

    def started() -> None:
        api = app.settings.api
        app.console.notes([f"serving on {'https' if api.tls else 'http'}://{api.host}:{api.port}"])
        threading.Thread(target=attend, args=(desk.loop, manager, ended), name="attend", daemon=True).start()

    manager = ServiceManager()
    signal.signal(signal.SIGHUP, lambda *_: desk.loop.trigger("SIGHUP"))
    try:
        serve(served(desk), app.settings, started, desk.stop)
    finally:
        ended.set()
        manager.tell(STOPPING=1, STATUS="stopping")


def _offer_bootstrap(app: App, door: Door) -> None:
    """Without an admin and without a key nobody could do anything: whoever is root here may make the first admin.

    The token is shown on a terminal alone: a log is read by more people than the file.
    """
    if not door.bootstrap.needed:
        door.bootstrap.forget()
    elif not door.one_key.known:
        token = door.bootstrap.make()
        app.console.notes([f"there is no admin; for half an hour {door.bootstrap.path} has a token that makes one"])
        if app.console.interactive:
            app.console.notes([token])


@click.group(cls=Group)
def api() -> None:
    """Print what the REST API offers; no server has to run."""


@api.command("schema", cls=Command)
@pass_app
def schema(app: App) -> None:
    """Print the OpenAPI 3.1 document.

    \b
    Example:
      conduit api schema
    """
    app.console.lines([json.dumps(_application().openapi_schema.to_schema(), indent=2)])


@api.command("routes", cls=Command)
@pass_app
def routes(app: App) -> None:
    """List every route with the permission it needs.

    \b
    Example:
      conduit api routes
    """
    from conduit.api.app import table_of

    rows = table_of(_application())
    if app.json:
        from conduit.plan_json import document

        app.console.document(
            document("routes", routes=[dict(zip(("method", "path", "permission"), row, strict=True)) for row in rows])
        )
    else:
        app.console.lines(columns([["METHOD", "PATH", "PERMISSION"], *map(list, rows)]))


def _application() -> Litestar:
    from conduit.api.app import build
    from conduit.api.desk import Desk
    from conduit.settings import Settings

    return build(Desk(Settings()))
