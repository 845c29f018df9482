"""Commands: what a kind adds to the command line, such as logs. They change no manifest and are in no plan.

A command is a method `(self, doing, name, params) -> int` with `@command()` before it, of the class `Commands` in the
module that a kind names as its `commands`; who plans and applies does not import that. `doing` is what it works with,
`name` the resource, `params` a spec whose fields are its parameters. It returns an exit code. Its options, help and
completion follow from that. An operation (`conduit.kind`) does one thing to one live object and has one
outcome; a command tells what it finds while it works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Protocol, TypeVar, get_type_hints

from msgspec import Struct

from conduit.kind import Context, Kind
from conduit.model import Key
from conduit.spec import Spec

F = TypeVar("F", bound=Callable[..., Any])


class Letter(Struct, frozen=True):
    """Field annotation: the short form of the option, such as f for -f."""

    letter: str


class Operand(Struct, frozen=True):
    """Field annotation: the parameter is given by its place, not by its name."""


class Rest(Struct, frozen=True):
    """Field annotation: the parameter is everything after `--`."""


class Doing(Protocol):
    """What a command works with."""

    @property
    def context(self) -> Context:
        """The settings, the time, marks and secrets; there is no reading in it."""

    def tell(self, **found: Any) -> None:
        """Tell one thing that was found or done, as named values."""

    def changing(self, keys: Iterable[Key], provider: str) -> AbstractContextManager[dict[Key, str]]:
        """Hold the lock and write into the journal what is done inside a `with` block.

        The mapping takes the reason of each key that failed. Raises `Locked` while another run goes on.
        """


class Command(Struct, frozen=True):
    """One command of a kind; `streams` tells that what it tells is shown line by line as it comes."""

    name: str
    kind: str
    help: str
    params: type[Spec]
    streams: bool
    run: Callable[[Doing, str, Any], int]


def command(*, streams: bool = False) -> Callable[[F], F]:
    """Declare a method as a command named after it; its docstring is the help."""

    def declare(method: F) -> F:
        method.__command__ = streams  # type: ignore[attr-defined]
        return method

    return declare


def commands_of(kind: Kind[Any]) -> dict[str, Command]:
    """Return the commands of a kind by name."""
    if not kind.commands:
        return {}
    holder, found = import_module(kind.commands).Commands(), {}
    for name in dir(holder):
        method = getattr(holder, name)
        streams = getattr(method, "__command__", None)
        if streams is not None:
            words, params = method.__doc__ or "", get_type_hints(method)["params"]
            found[name] = Command(name, kind.name, words, params, streams, method)
    return found
