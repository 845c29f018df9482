"""The commands of the kinds: their arguments and options follow from their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from conduit.cli import app
from conduit.cli.app import App
from conduit.cli.deed import Deed
from conduit.cli.names import declared
from conduit.command import Command, Letter, Operand, Rest, commands_of
from conduit.show.text import columns, escape

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class KindCommand(app.Command):
    """One command of a kind."""

    def __init__(self, command: Command) -> None:
        self.command = command
        fields = command.params.model_fields
        self.rest = next((name for name, field in fields.items() if _marker(field, Rest) is not None), "")
        shown = [_parameter(name, field) for name, field in fields.items() if name != self.rest]
        subject = click.Argument(["subject"], type=NameType(command.kind), metavar=command.kind.upper())
        super().__init__(command.name, callback=self._run, params=[subject, *shown], help=command.help)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Set what stands after `--` apart before anything else is read."""
        if self.rest and "--" in args:
            at = args.index("--")
            args, ctx.meta[self.rest] = args[:at], args[at + 1 :]
        return super().parse_args(ctx, args)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the pieces of the usage line."""
        return [*super().collect_usage_pieces(ctx), *([f"-- {self.rest.upper()}..."] if self.rest else [])]

    def _run(self, subject: str, **given: Any) -> int:
        ctx = click.get_current_context()
        invoked = ctx.ensure_object(App)
        values = {name: value for name, value in given.items() if value is not None}
        if self.rest in ctx.meta:
            values[self.rest] = ctx.meta[self.rest]
        try:
            params = self.command.params.model_validate(values)
        except ValidationError as error:
            raise click.UsageError(_problem(error, self.command.params.model_fields)) from None
        show = _Lines(invoked) if self.command.streams else _Table(invoked, self.name or "")
        with Deed(invoked, self.command.name, f"{self.command.name} {subject}") as deed:
            code = invoked.engine.perform(self.command, subject, params, show.add, deed.begin)
            deed.ok = not code
        show.end()
        return code


class NameType(click.ParamType[str]):
    """The name of a resource of one kind, alone or as `kind/name`; completed from the manifests."""

    def __init__(self, kind: str) -> None:
        self.name = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        return str(value).removeprefix(f"{self.name}/")

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the declared names that begin as typed."""
        from click.shell_completion import CompletionItem

        known = (key.partition("/") for key in declared(ctx.ensure_object(App)))
        names = [name for kind, _, name in known if kind == self.name]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class _Lines:
    """Shows each finding at once: a line of text, or one of JSON."""

    def __init__(self, app: App) -> None:
        self._app = app

    def add(self, found: Mapping[str, Any]) -> None:
        if self._app.json:
            self._app.console.document(found)
            return
        *names, text = (str(value) for name, value in found.items() if name != "time")
        self._app.console.lines([escape(" ".join([*(f"{name} |" for name in names), text]))])

    def end(self) -> None:
        """There is nothing left to show."""


class _Table:
    """Shows all findings together: as a table, or one document of JSON."""

    def __init__(self, app: App, name: str) -> None:
        self._app, self._name = app, name
        self._rows: list[Mapping[str, Any]] = []

    def add(self, found: Mapping[str, Any]) -> None:
        self._rows.append(found)

    def end(self) -> None:
        if self._app.json:
            from conduit.plan_json import document

            self._app.console.document(document(self._name, results=self._rows))
        elif self._rows:
            cells = [[escape(str(value)) for value in row.values()] for row in self._rows]
            self._app.console.lines(columns([[name.upper() for name in self._rows[0]], *cells]))


def kind_commands() -> dict[str, Command]:
    """Return every command of every kind by its name."""
    from conduit.resources import load_kinds

    return {name: found for kind in load_kinds().values() for name, found in commands_of(kind).items()}


def _marker(field: FieldInfo, sort: type[Any]) -> Any:
    return next((mark for mark in field.metadata if isinstance(mark, sort)), None)


def _parameter(name: str, field: FieldInfo) -> click.Parameter:
    """Return the argument or option of one field; what it may hold is left to the model."""
    if _marker(field, Operand) is not None:
        return click.Argument([name], required=False)
    letter = _marker(field, Letter)
    words = [f"--{name}", *([f"-{letter.letter}"] if letter else []), name]
    words_about = field.description or ""
    about = f"{words_about[:1].upper()}{words_about[1:]}."
    if field.annotation is bool:
        return click.Option(words, is_flag=True, default=None, help=about)
    number = field.annotation is int
    return click.Option(words, type=int if number else str, metavar="N" if number else name.upper(), help=about)


def _problem(error: ValidationError, fields: Mapping[str, FieldInfo]) -> str:
    (first, *_) = error.errors(include_url=False, include_context=False, include_input=False)
    if first["type"] == "missing":
        return f"missing: {fields[str(first['loc'][0])].description}"
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
