"""What all commands share: the global options, the settings file they lead to, the engine behind it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conduit.cli.console import Console
from conduit.errors import Code, Diagnostic, LoadError
from conduit.show.text import escape

if TYPE_CHECKING:
    from conduit.engine import Engine
    from conduit.settings import Settings

NO_SETTINGS = Code(
    "CND-1051",
    "no conduit.yaml",
    "conduit.yaml says where the daemons are and where the manifests lie. It is looked for at --config or "
    "CONDUIT_CONFIG, then in CONDUIT_CONFIG_DIR when that is set, else as ./conduit.yaml and as "
    "/etc/conduit/conduit.yaml. Write one with `conduit init`, or name yours.",
)
PLACES = (Path("conduit.yaml"), Path("/etc/conduit/conduit.yaml"))
"""Where settings are looked for when nobody names them."""


class App:
    """The global options of one invocation, and what they lead to.

    `kept` gets what need not be freed, because the process ends when the invocation does.
    """

    def __init__(self, kept: list[object] | None = None) -> None:
        self.kept = kept

    config: Path | None = None
    json: bool = False
    verbosity: int = 0
    no_color: bool = False
    timeout: float = 60.0
    parallel: int | None = None
    suspended: bool = False
    banner: bool = True
    """Whether to tell of a loop that is suspended; whoever ends that knows."""

    @cached_property
    def console(self) -> Console:
        """Where this command prints."""
        return Console(self.verbosity, as_json=self.json, no_color=self.no_color)

    @property
    def settings_file(self) -> Path:
        """The conduit.yaml in force. Raises LoadError when there is none."""
        if self.config:
            return self.config
        own = os.environ.get("CONDUIT_CONFIG_DIR")
        places = (Path(own) / "conduit.yaml",) if own else PLACES
        found = next((place for place in places if place.exists()), None)
        if found is None:
            raise LoadError(Diagnostic(NO_SETTINGS, "there is no conduit.yaml here", hint="write one: conduit init"))
        return found

    @cached_property
    def settings(self) -> Settings:
        """The settings. Raises LoadError."""
        from conduit.manifests.settings_file import read_settings

        settings = read_settings(self.settings_file)
        self._show_suspension(settings)
        return settings

    @cached_property
    def engine(self) -> Engine:
        """The engine on these settings; opening it touches nothing. Raises LoadError."""
        from conduit.engine import Engine

        engine = Engine(self.settings)
        engine.kept = self.kept
        return engine

    def tell(self, *sentences: str) -> None:
        """Print what was done: a line for each sentence, or one document."""
        if not self.json:
            self.console.lines(sentences)
            return
        from conduit.plan_json import document

        self.console.document(document("done", message=" ".join(sentences)))

    def _show_suspension(self, settings: Settings) -> None:
        """Print the banner of a loop that is suspended, whatever the command."""
        from conduit.reconcile.suspension import suspension

        if found := suspension(settings.path(settings.state_dir), time.time()):
            self.suspended = True
        if found and self.banner:
            self.console.notes([self.console.error_view.style("drift", f"The loop is {escape(str(found))}.")])


pass_app = click.make_pass_decorator(App, ensure=True)


def store(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keep the value of an option as the field of `App` that has its name."""
    if value is not None and value is not False:
        setattr(ctx.ensure_object(App), param.name or "", value)


def _verbosity(ctx: click.Context, param: click.Parameter, value: int) -> None:
    if value:
        ctx.ensure_object(App).verbosity = -1 if param.name == "quiet" else value


def _enter(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    if value:
        try:
            os.chdir(value)
        except OSError as error:
            raise click.BadParameter(f"cannot enter {value}: {error.strerror}", ctx, param) from error


def common_options() -> list[click.Parameter]:
    """Return the global options; they work before and after the name of a command."""

    def option(*names: str, callback: Callable[..., None] = store, **words: Any) -> click.Parameter:
        return click.Option(names, expose_value=False, callback=callback, **words)

    return [
        option("-C", "--chdir", callback=_enter, is_eager=True, metavar="DIR", help="Work in this directory."),
        option("--config", type=click.Path(path_type=Path), metavar="FILE", help="The settings file to use."),
        option("--json", is_flag=True, help="Print JSON of a fixed format."),
        option("-v", "--verbose", callback=_verbosity, count=True, help="Show more; twice shows long values whole."),
        option("-q", "--quiet", callback=_verbosity, is_flag=True, help="Show the result only."),
        option("--no-color", is_flag=True, help="Never colour, like NO_COLOR."),
        option("--timeout", type=click.FloatRange(0), metavar="SECONDS", help="Limit of each wait of an apply."),
    ]


class Group(click.Group):
    """A group that takes the global options too, between its name and that of its command."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.params += common_options()


class Command(click.Command):
    """A command that takes the global options too."""

    def __init__(self, *args: Any, **words: Any) -> None:
        super().__init__(*args, **words)
        self.params += common_options()
