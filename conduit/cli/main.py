"""The group of all commands, and how every way to end becomes one exit code (docs/exit-codes.md)."""

from __future__ import annotations

import importlib
import signal
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Final, NoReturn

import click

from conduit import __version__
from conduit.cli.app import App, common_options
from conduit.dialect.words import did_you_mean
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.show.text import escape

ERROR: Final = 1
USAGE: Final = 64
INTERRUPTED: Final = 130
TERMINATED: Final = 143

REFUSED_BY_SYSTEM = Code(
    "CND-1052",
    "the operating system refused",
    "A file or socket could not be read or written. The message is the system's own; the usual causes are a missing "
    "permission, a missing directory or a full disk. conduit normally runs as root.",
)

MISUSED = Code(
    "CND-1055",
    "the command line is not understood",
    "A command, an option or one of their values is not known, or some of them do not go together. Nothing was done. "
    "The message says which; `--help` behind a command shows what it takes, with an example.",
)

COMMANDS: Final = {
    "init": "start",
    "validate": "plan",
    "diff": "plan",
    "apply": "apply",
    "rollback": "apply",
    "drift": "drift",
    "accept": "drift",
    "status": "live",
    "get": "live",
    "kinds": "reference",
    "schema": "reference",
    "explain": "reference",
    "operate": "operate",
    "watch": "watch",
    "suspend": "watch",
    "resume": "watch",
    "runs": "past",
    "journal": "past",
    "doctor": "live",
    "serve": "serve",
    "api": "serve",
    "secret": "secret",
    "audit": "audit",
    "token": "key",
    "user": "user",
    "key": "key",
    "sandbox": "sandbox",
    "failpoints": "reference",
    "version": "reference",
    "completion": "start",
}
"""Every command and the module of conduit/cli it is in; only the one that is called is imported. Those of kinds come
on top."""

ALIASES: Final = {"plan": "diff"}
"""Names that people bring along from other tools."""


class Commands(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names, in the order a newcomer needs them; then those of the kinds."""
        from conduit.cli.kind_commands import kind_commands

        return [*COMMANDS, *kind_commands()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command; name the nearest one when there is no such command."""
        cmd_name = ALIASES.get(cmd_name, cmd_name)
        if cmd_name in COMMANDS:
            module = importlib.import_module(f"conduit.cli.{COMMANDS[cmd_name]}")
            found: click.Command = getattr(module, cmd_name)
            return found
        if cmd_name.startswith("-"):
            return None
        from conduit.cli.kind_commands import KindCommand, kind_commands

        known = kind_commands()
        if cmd_name in known:
            return KindCommand(known[cmd_name])
        if not ctx.resilient_parsing:
            near = did_you_mean(cmd_name, [*COMMANDS, *known]) or "see conduit --help"
            ctx.fail(f'no such command "{cmd_name}"; {near}')
        return None


conduit = Commands(
    name="conduit",
    params=common_options(),
    help="One truthful plan across proxy, DNS and certificates, and the apply that makes it true.",
    epilog="Start with: conduit init, conduit diff, conduit apply. Exit codes: 0 done, 1 error, 64 usage, and more in "
    "docs/exit-codes.md.",
    no_args_is_help=True,
    context_settings={"auto_envvar_prefix": "CONDUIT", "help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, message="conduit %(version)s")(conduit)


def run(args: Sequence[str], kept: list[object] | None = None) -> int:
    """Run one command line and return its exit code; `kept` gets what need not be freed after it."""
    app = App(kept)
    if kept is not None:
        kept.append(app)
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return conduit.main(args=list(args), prog_name="conduit", standalone_mode=False, obj=app) or 0
    except ConduitError as error:
        _tell(app, error.diagnostics)
        return error.exit_code
    except OSError as error:
        _tell(app, [_refused(error)])
        return ERROR
    except click.exceptions.NoArgsIsHelpError as error:
        app.console.notes([error.format_message()])
        return USAGE
    except click.ClickException as error:
        app.json = app.json or "--json" in takewhile("--".__ne__, args)  # what does not parse has set no option
        _tell_misuse(app, error)
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        app.console.notes(["interrupted"])
        return INTERRUPTED


def _tell(app: App, problems: Sequence[Diagnostic]) -> None:
    if app.json:
        from conduit.plan_json import errors_document

        app.console.document(errors_document(problems))
    else:
        from conduit.show.diagnostics import problems_lines

        app.console.notes(problems_lines(problems, app.console.error_view))


def _refused(error: OSError) -> Diagnostic:
    """Return what the operating system refused as people say it."""
    if error.strerror is None:
        return Diagnostic(REFUSED_BY_SYSTEM, str(error))
    names = " and ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
    words = f"{error.strerror[0].lower()}{error.strerror[1:]}"
    hint = "correct the path, or what this user may do there; conduit normally runs as root" if names else ""
    return Diagnostic(REFUSED_BY_SYSTEM, f"{names}: {words}" if names else words, hint=hint)


def _tell_misuse(app: App, error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see {context.command_path} --help" if context else ""
    if app.json:
        _tell(app, [Diagnostic(MISUSED, error.format_message(), hint=hint)])
    else:
        app.console.notes(filter(None, [f"error: {escape(error.format_message())}", hint]))


def _terminated(number: int, _frame: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # asking twice must not break off what the first one brings to its end
    raise SystemExit(TERMINATED)
