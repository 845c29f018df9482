"""Libraries, imported without what takes long in them and nobody here asks for: a fifth of an apply of a small site.

While a module below is executed, a name it uses means something cheaper. It is all the same who imports it and when; a
library that has moved on is imported as everywhere else. Modules of some packages are found in fewer steps as well.
See docs/decisions/0027-libraries-are-imported-leanly.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from threading import local
from types import ModuleType
from typing import Any, Final, NamedTuple

from conduit.patterns import pattern


class _Swap(NamedTuple):
    """A name of a module, what it means for a while, and what it means otherwise."""

    names: dict[str, Any]
    name: str
    cheaper: Any
    meant: Any


@cache
def _patterns() -> _Swap | None:
    """Have patterns compiled when they are used."""
    return _swap("re", "compile", pattern)


@cache
def _typed_dicts() -> _Swap | None:
    """Have plain dicts for typed ones: only type checkers read what is declared with these."""
    return _swap("typing_extensions", "TypedDict", _Dict)


@cache
def _methods() -> _Swap | None:
    """Have the methods of dataclasses written and compiled when they are called; most never are."""
    return _swap("dataclasses", "_create_fn", _written_late())


@cache
def _texts() -> _Swap | None:
    """Have texts as they are written: looking for a translation that nobody made takes locale and many files."""
    return _swap("gettext", "gettext", str)


def _swap(module: str, name: str, cheaper: Any) -> _Swap | None:
    names = vars(import_module(module))
    return _Swap(names, name, cheaper, names[name]) if name in names else None


class _Dict(dict[str, Any]):
    """Stands for TypedDict. A call makes a plain dict, as one of a typed dict does."""

    def __init_subclass__(cls, **_: Any) -> None:
        """Take what a typed dict takes."""

    def __new__(cls, *given: Any, **items: Any) -> Any:
        return dict(*given, **items)


@cache
def _written_late() -> Callable[..., Any]:
    write: Any = vars(import_module("dataclasses")).get("_create_fn")

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


_Cheaper = tuple[Callable[[], _Swap | None], ...]
CHEAPER: Final[dict[str, _Cheaper]] = {
    "annotated_types": (_methods,),
    "click": (_texts,),
    "fractions": (_patterns,),
    "platform": (_patterns,),
    "pydantic": (_methods, _typed_dicts),
    "pydantic_core.core_schema": (_typed_dicts,),
    "textwrap": (_patterns,),
    "tokenize": (_patterns,),
    "yaml": (_patterns,),  # one of them takes as long as all the rest, and libyaml has no use for it
}
"""What is cheaper while a module is executed, or any module of a package."""
PLAIN: Final = frozenset(("click", "conduit", "msgspec", "pydantic"))
"""Packages in which `name.py`, where there is one, is the module `name`."""


def import_leanly() -> None:
    """Have this process import them so from now on."""
    sys.meta_path.insert(0, _Finder())
    plugins = ModuleType("pydantic.plugin._loader")  # there are none, and it takes 45 modules to find that out
    vars(plugins)["get_plugins"] = tuple
    sys.modules[plugins.__name__] = plugins


class _Now(local):
    """The swaps in force in this thread."""

    swaps: tuple[_Swap, ...] = ()


_NOW: Final = _Now()


class _Finder:
    """Finds modules where Python does, and has them executed with what is cheaper for them, and for no other."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, _: ModuleType | None = None) -> ModuleSpec | None:
        """Return where a module is that is found or executed in another way than others; None for all others."""
        package = name.partition(".")[0]
        cheaper = CHEAPER.get(name) or CHEAPER.get(package) or ()
        spec = _plain(name, path[0]) if path and package in PLAIN else None
        if cheaper or _NOW.swaps:
            spec = spec or PathFinder.find_spec(name, path)
            if spec and spec.loader:
                vars(spec.loader)["exec_module"] = partial(_execute, spec.loader.exec_module, cheaper)
        return spec


def _plain(name: str, directory: str) -> ModuleSpec | None:
    """Return a module as PathFinder does, which asks for a package and for four sorts of files before."""
    file = f"{directory}/{name.rpartition('.')[2]}.py"
    loader = SourceFileLoader(name, file)
    try:
        loader.path_stats(file)
    except OSError:
        return None
    spec = ModuleSpec(name, loader, origin=file)
    spec.has_location = True
    return spec


def _execute(ordinary: Callable[[ModuleType], None], cheaper: _Cheaper, module: ModuleType) -> None:
    """Execute a module with its own swaps and none of its importer's, which hold again after it."""
    outer = _NOW.swaps
    _put_back(outer)
    swaps = tuple(swap for each in cheaper if (swap := each()))
    _exchange(swaps)
    try:
        ordinary(module)
    finally:
        _put_back(swaps)
        _exchange(outer)


def _exchange(swaps: tuple[_Swap, ...]) -> None:
    _NOW.swaps = swaps
    for swap in swaps:
        swap.names[swap.name] = swap.cheaper


def _put_back(swaps: tuple[_Swap, ...]) -> None:
    for swap in swaps:
        swap.names[swap.name] = swap.meant
