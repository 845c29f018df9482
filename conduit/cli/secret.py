"""secret: values that never stand in a manifest. A value comes from standard input or a prompt, never from argv."""

from __future__ import annotations

import sys

import click

from conduit.cli.app import App, Command, Group, pass_app
from conduit.cli.deed import Deed

LIMIT = 64 * 1024 + 1
"""Characters read of a value: one more than the store takes, so that a longer one is refused and not cut."""


@click.group(cls=Group)
def secret() -> None:
    """Store, list and forget secrets, which manifests name as {secret: NAME}."""


@secret.command("set", cls=Command)
@click.argument("name")
@pass_app
def set_(app: App, name: str) -> None:
    """Store a secret under NAME; the value comes from standard input, or is asked for without showing it.

    \b
    Example:
      conduit secret set wiki-password < password.txt
    """
    if app.console.interactive:
        value = click.prompt("Value", hide_input=True, confirmation_prompt=True)
    else:
        value = sys.stdin.read(LIMIT).removesuffix("\n")
    with Deed(app, "secret_set", f"stored the secret {name}") as deed:
        deed.begin()
        reference = app.engine.secrets.set(name, value)
    app.tell(f"Stored. Write {reference} where a manifest needs it.")


@secret.command("list", cls=Command)
@pass_app
def list_(app: App) -> None:
    """List the names of all secrets.

    \b
    Example:
      conduit secret list
    """
    names = app.engine.secrets.list()
    if app.json:
        from conduit.plan_json import document

        app.console.document(document("secrets", names=list(names)))
    elif names:
        app.console.lines(names)


@secret.command(cls=Command)
@click.argument("name")
@pass_app
def rm(app: App, name: str) -> None:
    """Forget a secret.

    What past runs used of it stays sealed in the state directory, for `conduit apply --undo`, until fifty others have
    been used since. Change a leaked value where it is used as well.

    \b
    Example:
      conduit secret rm wiki-password
    """
    with Deed(app, "secret_rm", f"forgot the secret {name}") as deed:
        deed.begin()
        app.engine.secrets.remove(name)
    app.tell(f'Forgot "{name}".')
