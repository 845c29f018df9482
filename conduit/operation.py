"""One-off verbs: what a kind or a provider can do once, beside what is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from msgspec import Struct

from conduit.change import Outcome

F = TypeVar("F", bound=Callable[..., Any])


class Operation(Struct, frozen=True):
    """A one-off verb of a kind or a provider, declared with `@operation`."""

    name: str
    summary: str
    run: Callable[..., Outcome]
    takes: tuple[str, ...] = ()
    """The parameters it needs."""


def operation(method: F) -> F:
    """Declare a method `(self, ctx, live, params) -> Outcome` as a one-off verb named after it."""
    method.__operation__ = True  # type: ignore[attr-defined]
    return method


def takes(*parameters: str) -> Callable[[F], F]:
    """Declare what an operation needs to be given; it stands above `@operation`."""

    def declare(method: F) -> F:
        method.__takes__ = parameters  # type: ignore[attr-defined]
        return method

    return declare


def plain_verbs(sort: type) -> tuple[str, ...]:
    """Return the one-off verbs of a class of kind or provider that need no parameters."""
    methods = ((name, getattr(sort, name, None)) for name in dir(sort))
    return tuple(name for name, found in methods if getattr(found, "__operation__", False) and not _takes(found))


def operations_of(owner: object) -> dict[str, Operation]:
    """Return the one-off verbs of a kind or a provider."""
    found = {}
    for name in dir(type(owner)):
        method = getattr(type(owner), name, None)
        if getattr(method, "__operation__", False):
            summary = (method.__doc__ or "").strip().splitlines()[0]
            found[name] = Operation(name, summary, getattr(owner, name), _takes(method))
    return found


def _takes(method: object) -> tuple[str, ...]:
    return getattr(method, "__takes__", ())
