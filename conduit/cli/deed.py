"""What a person does at the command line, as an entry of the audit trail; without one it is not done."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import click

from conduit.cli.app import App
from conduit.show.text import escape

NOBODY: Final = 2**32 - 1
"""The login uid of a process that belongs to no login (credentials(7), audit)."""


class Deed:
    """One act, used as a `with` block: `begin` before anything changes, then it is recorded however the block ends.

    A caller sets `message`, `details`, and `ok` to False for what failed without an exception.
    """

    def __init__(self, app: App, event: str, message: str = "", **details: Any) -> None:
        self.app, self.event, self.message, self.details = app, event, message, details
        self.ok, self._begun = True, False

    def begin(self) -> Deed:
        """See that it can be written down. Raises `Unreadable`: then nothing may change."""
        self.app.engine.trail.require()
        self._begun = True
        return self

    def __enter__(self) -> Deed:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if not self._begun:
            return
        from conduit.audit.act import FAILURE, SUCCESS, Act, Asked

        status = SUCCESS if self.ok and error is None else FAILURE
        message = self.message if error is None else str(error) or type(error).__name__
        asked = Asked("CLI", click.get_current_context().command_path)
        self.app.engine.trail.append(
            Act(self.event, status, message, login_user(), sort="user", asked=asked, details=self.details)
        )
        self._anchor()

    def _anchor(self) -> None:
        """Write a checkpoint that this entry made due where it is safe; what cannot be is told and tried again."""
        if not self.app.engine.trail.covered:
            return
        from conduit.audit.upkeep import Upkeep
        from conduit.errors import ConduitError

        engine = self.app.engine
        try:
            Upkeep(engine.trail, engine.settings, lambda name: engine.secrets.get(name)).anchor()
        except ConduitError as error:
            self.app.console.notes(escape(f"warning: {each.summary}") for each in error.diagnostics)


def login_user() -> str:
    """Return who logged in, whatever became of that since: by sudo, su or a service it is still the same person."""
    try:
        number = int(Path("/proc/self/loginuid").read_text())
    except (OSError, ValueError):
        number = NOBODY
    if number != NOBODY:
        return _name(number)
    return os.environ.get("SUDO_USER") or _name(os.getuid())


def _name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"
