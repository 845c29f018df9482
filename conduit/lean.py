"""Libraries, imported without what takes long in them and nobody here asks for: a fifth of an apply of a small site.

While a module below is executed, a name of another module means something cheaper. It is all the same who imports it
and when; a library that has moved on is imported as everywhere else. See
docs/decisions/0027-libraries-are-imported-leanly.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Final, NamedTuple

from conduit.patterns import pattern


class _Swap(NamedTuple):
    """What a name of a module means while another module is executed."""

    module: str
    name: str
    meaning: Callable[[], Any]


class _Dict(dict[str, Any]):
    """Stands for TypedDict where only type checkers read what is declared with it. A call makes a plain dict."""

    def __init_subclass__(cls, *, total: bool = True) -> None:
        """Take what a typed dict takes."""

    def __new__(cls, *given: Any, **items: Any) -> Any:
        return dict(*given, **items)


@cache
def _written_late() -> Callable[..., Any]:
    """Return what makes a method of a dataclass, which is written and compiled when it is called: most never are."""
    from dataclasses import _create_fn as write  # type: ignore[attr-defined]

    def create(name: str, *given: Any, **words: Any) -> Callable[..., Any]:
        @cache
        def written() -> Callable[..., Any]:
            found: Callable[..., Any] = write(name, *given, **words)
            found.__qualname__ = method.__qualname__
            return found

        def method(*values: Any, **named: Any) -> Any:
            return written()(*values, **named)

        method.__name__ = name
        return method

    return create


_PATTERNS: Final = _Swap("re", "compile", lambda: pattern)
_METHODS: Final = _Swap("dataclasses", "_create_fn", _written_late)
SWAPS: Final = {
    "annotated_types": _METHODS,
    "pydantic": _METHODS,
    "pydantic_core.core_schema": _Swap("typing_extensions", "TypedDict", lambda: _Dict),
    "yaml.reader": _PATTERNS,  # one of them takes as long as all the rest of yaml, and libyaml has no use for it
    "yaml.resolver": _PATTERNS,
    "yaml.constructor": _PATTERNS,
}
"""Modules, and packages with all their modules."""


def import_leanly() -> None:
    """Have this process import them so from now on."""
    sys.meta_path.insert(0, _Finder())
    plugins = ModuleType("pydantic.plugin._loader")  # there are none, and it takes 45 modules to find that out
    vars(plugins)["get_plugins"] = tuple
    sys.modules[plugins.__name__] = plugins


class _Finder:
    """Finds modules where Python does, and has them executed with another meaning of a name."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, _: ModuleType | None = None) -> ModuleSpec | None:
        """Return where a module is that has a swap; None for all others."""
        swap = _swap(name)
        spec = PathFinder.find_spec(name, path) if swap else None
        if swap and spec and spec.loader:
            vars(spec.loader)["exec_module"] = partial(_execute, spec.loader.exec_module, swap)
        return spec


def _swap(name: str) -> _Swap | None:
    return SWAPS.get(name) or SWAPS.get(name.partition(".")[0])


def _execute(ordinary: Callable[[ModuleType], None], swap: _Swap, module: ModuleType) -> None:
    holder = import_module(swap.module)
    meant = getattr(holder, swap.name, None)
    if meant is None:
        ordinary(module)
        return
    setattr(holder, swap.name, swap.meaning())
    try:
        ordinary(module)
    finally:
        setattr(holder, swap.name, meant)
