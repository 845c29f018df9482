"""user: who may log in, and what whoever commands this machine can always do about it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from conduit.cli.app import App, Command, Group, pass_app
from conduit.cli.deed import Deed
from conduit.cli.rows import instant, show_rows
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.model import Key
from conduit.show.text import escape

if TYPE_CHECKING:
    from conduit.providers.self_store import SelfStore

NOBODY = Code(
    "CND-2403",
    "there is no such user",
    "Users are declared under `users:` in a manifest and exist once that was applied. `conduit user list` shows those "
    "there are.",
)
FAILED = Code(
    "CND-2404",
    "a user could not be changed",
    "What was to be done with a user failed; the message says why. Nothing was changed.",
)
LINE = 1024
"""Characters read of a password: more than one may have, so that a longer one is refused and not cut."""


@click.group(cls=Group)
def user() -> None:
    """List users, set a password, and see or end sessions."""


def _verb(work: Callable[[App, str], None]) -> click.Command:
    """Make a command of what is done with one user, who has to be there."""

    @user.command(cls=Command)
    @click.argument("name")
    @pass_app
    @wraps(work)
    def command(app: App, name: str) -> None:
        _require(app, name)
        work(app, name)

    return command


@user.command("list", cls=Command)
@pass_app
def list_(app: App) -> None:
    """List all users, what they are and when they logged in last.

    \b
    Example:
      conduit user list
    """
    from conduit.providers.self_rows import User

    show_rows(
        app,
        "users",
        (
            {
                "name": each.name,
                "role": each.role,
                "active": each.active,
                "password": bool(each.password_hash),
                "second_factor": each.totp_confirmed,
                "last_login": instant(each.last_login_at),
            }
            for each in _store(app).rows(User)
        ),
    )


@_verb
def password(app: App, name: str) -> None:
    """Set the password of a user, from standard input or asked for without showing it; every session of theirs ends.

    \b
    Example:
      conduit user password ada < password.txt
    """
    from conduit.identity.passwords import Passwords

    if app.console.interactive:
        value = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        value = sys.stdin.read(LINE).removesuffix("\n")
    _operate(app, name, "password", {"hash": Passwords().hash(value).result()})
    app.tell(f"{name} has another password, and logs in again.")


@_verb
def sessions(app: App, name: str) -> None:
    """List where a user is logged in.

    \b
    Example:
      conduit user sessions ada
    """
    from conduit.providers.self_rows import Session

    show_rows(
        app,
        "sessions",
        (
            {
                "kind": each.kind,
                "address": each.address,
                "program": each.agent,
                "since": instant(each.created_at),
                "used": instant(each.used_at),
                "until": instant(each.expires_at),
            }
            for each in _store(app).rows(Session, user=name)
        ),
    )


@_verb
def unenrol(app: App, name: str) -> None:
    """Take the second factor of a user away, for somebody who lost their app and their recovery codes.

    \b
    Example:
      conduit user unenrol ada
    """
    from conduit.identity.door import Door
    from conduit.identity.one_key import OneKey

    with Deed(app, "user_unenrol", f"took the second factor of the user {name} away", name=name).begin():
        had = Door(app.settings, OneKey()).enrolments.remove(name)
    app.tell(f"{name} logs in with the password alone." if had else f"{name} had no second factor.")


@_verb
def revoke(app: App, name: str) -> None:
    """End every session of a user at once; API keys stay.

    \b
    Example:
      conduit user revoke ada
    """
    app.tell(f"{name}: {_operate(app, name, 'revoke', {})}")


def _store(app: App) -> SelfStore:
    from conduit.providers.self_store import open_store

    return open_store(app.settings)


def _require(app: App, name: str) -> None:
    """Raise `ConduitError` when there is no such user."""
    from conduit.providers.self_rows import User

    if _store(app).find(User, name=name) is None:
        raise ConduitError(Diagnostic(NOBODY, f"there is no user {escape(name)}", hint="conduit user list"))


def _operate(app: App, name: str, verb: str, parameters: Mapping[str, Any]) -> str:
    """Carry out an operation of a user, recorded, and return what it says. Raises `ConduitError`."""
    from conduit.change import Result

    with Deed(app, f"user_{verb}", f"{verb} of the user {name}", name=name).begin():
        outcome = app.engine.operate(Key("user", name), verb, parameters)
        if outcome.result is not Result.OK:
            raise ConduitError(Diagnostic(FAILED, f"{name}: {outcome.reason}"))
    return outcome.reason
