"""One file per kind. Composite kinds expand, leaf kinds render and parse; never both.

A composite module may import the specs of leaf modules; nothing else goes sideways.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from conduit.kind import KINDS, Kind
from conduit.patterns import pattern

_HEAD: Final = pattern(rb'\n    name = "(\w+)"\n    plural = "(\w+)"\n')
"""How the class of a kind begins."""


class Kinds(Mapping[str, Kind[Any]]):
    """Kinds by name, each looked for with `find` when it is asked for; `plurals` gives the name for a plural."""

    def __init__(self, plurals: Mapping[str, str], find: Callable[[str], Kind[Any]]) -> None:
        self.plurals = plurals
        self._names = frozenset(plurals.values())
        self._find = find
        self._found: dict[str, Kind[Any]] = {}

    def __getitem__(self, name: str) -> Kind[Any]:
        try:
            return self._found[name]
        except KeyError:
            if name not in self._names:
                raise
        return self._found.setdefault(name, self._find(name))

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self.plurals.values())

    def __len__(self) -> int:
        return len(self._names)


def load_kinds() -> Kinds:
    """Return every kind, in the order of the modules' names; the module of one is imported when it is asked for.

    Looks at the source text only: a site uses few of all kinds, and their specs are what takes longest to import.
    """
    modules, plurals = {}, {}
    for source in sorted(Path(__file__).parent.glob("*.py")):
        for name, plural in (map(bytes.decode, head) for head in _HEAD.findall(source.read_bytes())):
            modules[name], plurals[plural] = f"{__name__}.{source.stem}", name

    def find(name: str) -> Kind[Any]:
        if name not in KINDS:
            importlib.import_module(modules[name])
        return KINDS[name]

    return Kinds(plurals, find)
