"""Libraries, imported without what takes long in them and nobody here asks for: a quarter of an apply of a small site.

While a module below is executed, a name it uses means something cheaper. It is all the same who imports it and when; a
library that has moved on is imported as everywhere else. See docs/decisions/0027-libraries-are-imported-leanly.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from threading import local
from types import ModuleType
from typing import Any, Final

from conduit.patterns import pattern

_Swap = tuple[dict[str, Any], str, Any]
"""The names of a module, or of all modules, one of them, and what it means for a while."""


def _patterns() -> _Swap | None:
    """Have patterns compiled when they are used."""
    return _meaning("re", "compile", pattern)


def _typed_dicts() -> _Swap | None:
    """Have plain dicts for typed ones: only type checkers read what is declared with these."""
    return _meaning("typing_extensions", "TypedDict", _Dict)


def _methods() -> _Swap | None:
    """Have the methods of dataclasses written and compiled when they are called; most never are."""
    return _meaning("dataclasses", "_create_fn", _written_late())


def _english() -> _Swap | None:
    """Have texts stay as they are written: conduit speaks English, and each look for a catalogue takes long."""
    return _meaning("gettext", "gettext", str)


def _meaning(module: str, name: str, meaning: Any) -> _Swap | None:
    names = vars(import_module(module))
    return (names, name, meaning) if name in names else None


def _late(name: str) -> _Swap | None:
    """Have a module imported when something of it is asked for."""
    return None if name in sys.modules else (sys.modules, name, _Late(name))


class _Dict(dict[str, Any]):
    """Stands for TypedDict. A call makes a plain dict, as one of a typed dict does."""

    def __init_subclass__(cls, **_: Any) -> None:
        """Take what a typed dict takes."""

    def __new__(cls, *given: Any, **items: Any) -> Any:
        return dict(*given, **items)


class _Late(ModuleType):
    """Stands for a module, for those who imported it while it was to be late."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


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
    "click": (_patterns, _english),
    "fractions": (_patterns,),
    "inspect": tuple(partial(_late, name) for name in ("linecache", "token", "tokenize")),
    "msgspec": (partial(_late, "msgspec.inspect"),),
    "platform": (_patterns,),
    "pydantic": (_methods, _typed_dicts, partial(_late, "secrets")),
    "pydantic_core.core_schema": (_typed_dicts,),
    "socket": (partial(_late, "selectors"),),
    "yaml": (_patterns,),  # one of them takes as long as all the rest, and libyaml has no use for it
}
"""What is cheaper while a module is executed, or any module of a package."""


def import_leanly() -> None:
    """Have this process import them so from now on."""
    sys.meta_path.insert(0, _Finder())
    plugins = ModuleType("pydantic.plugin._loader")  # there are none, and it takes 45 modules to find that out
    vars(plugins)["get_plugins"] = tuple
    sys.modules[plugins.__name__] = plugins


class _Force(local):
    """What is exchanged now, in this thread: names, one of them, what it means, and what it meant."""

    exchanged: tuple[tuple[dict[str, Any], str, Any, Any], ...] = ()


_FORCE: Final = _Force()


class _Finder:
    """Finds modules where Python does, and has them executed with what is cheaper for them, and for no other.

    What one of them imports is executed as everywhere else: gettext, imported by click, gives its patterns to `re`.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, _: ModuleType | None = None) -> ModuleSpec | None:
        """Return where a module is for which something is another thing than for its importer; None for all others."""
        cheaper = CHEAPER.get(name) or CHEAPER.get(name.partition(".")[0]) or ()
        spec = PathFinder.find_spec(name, path) if cheaper or _FORCE.exchanged else None
        if spec and spec.loader:
            vars(spec.loader)["exec_module"] = partial(_execute, spec.loader.exec_module, cheaper)
        return spec


def _execute(ordinary: Callable[[ModuleType], None], cheaper: _Cheaper, module: ModuleType) -> None:
    outer = _FORCE.exchanged
    _put_back()
    swaps = [swap for each in cheaper if (swap := each())]
    _exchange(tuple((names, name, meaning, names.get(name)) for names, name, meaning in swaps))
    try:
        ordinary(module)
    finally:
        _put_back()
        _exchange(outer)


def _exchange(swaps: tuple[tuple[dict[str, Any], str, Any, Any], ...]) -> None:
    _FORCE.exchanged = swaps
    for names, name, meaning, meant in swaps:
        if names.get(name) is meant:  # else a module that was to be late has come meanwhile
            names[name] = meaning


def _put_back() -> None:
    for names, name, meaning, meant in _FORCE.exchanged:
        if names.get(name) is not meaning:
            continue
        if meant is None:
            del names[name]
        else:
            names[name] = meant
