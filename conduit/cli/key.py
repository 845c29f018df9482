"""key and token: the API keys there are, and the token that makes the first admin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from conduit.cli.app import App, Command, Group, pass_app
from conduit.cli.deed import Deed
from conduit.cli.rows import instant, show_rows
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.show.text import escape

if TYPE_CHECKING:
    from conduit.identity.door import Door

NO_KEY = Code(
    "CND-2305",
    "there is no such API key",
    "`conduit key list` shows the keys there are, each with its id: the eight letters and digits after `cdt_`.",
)
NOT_NEEDED = Code(
    "CND-2306",
    "there is an admin already",
    "A bootstrap token makes the first admin, and there is one who can log in. Whoever is root on this machine sets a "
    "forgotten password with `conduit user password NAME`.",
)


@click.group(cls=Group)
def key() -> None:
    """List and revoke API keys; they are made over the API."""


@key.command("list", cls=Command)
@click.option("--user", help="The keys of one user alone.")
@pass_app
def list_(app: App, user: str | None) -> None:
    """List API keys: whose they are, what they are for, and when they were used last.

    \b
    Example:
      conduit key list
    """
    show_rows(
        app,
        "keys",
        (
            {
                "id": each.id,
                "user": each.user,
                "name": each.name,
                "usable": each.active,
                "until": instant(each.expires_at),
                "used": instant(each.used_at),
                "from": each.used_address,
            }
            for each in _door(app).keys.of(user)
        ),
    )


@key.command(cls=Command)
@click.argument("id_", metavar="ID")
@pass_app
def revoke(app: App, id_: str) -> None:
    """Revoke an API key at once.

    \b
    Example:
      conduit key revoke JWDhRD5B
    """
    with Deed(app, "key_revoke", f"revoked the key {id_}", key=id_).begin():
        if not _door(app).keys.revoke(id_):
            raise ConduitError(Diagnostic(NO_KEY, f"there is no key {escape(id_)}", hint="conduit key list"))
    app.tell(f"{id_} fits no longer.")


@click.command(cls=Command)
@pass_app
def token(app: App) -> None:
    """Print a token that makes the first admin over the API: once, within half an hour, while there is none.

    \b
    Example:
      conduit token
    """
    bootstrap = _door(app).bootstrap
    if not bootstrap.needed:
        hint = "conduit user list shows who it is"
        raise ConduitError(Diagnostic(NOT_NEEDED, "there is an admin who can log in already", hint=hint))
    with Deed(app, "bootstrap_token", "made a token for the first admin").begin():
        made = bootstrap.make()
    app.console.lines([made])


def _door(app: App) -> Door:
    from conduit.identity.door import Door
    from conduit.identity.one_key import OneKey

    return Door(app.settings, OneKey())
