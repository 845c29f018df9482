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


class Kinds(dict[str, Kind[Any]]):
    """All kinds by name, each looked for with `find` when it is first asked for; `plurals` gives the name for a plural.

    A dict, because a plan asks for the kind of each resource several times; but whatever walks it sees all kinds.
    """

    def __init__(self, plurals: Mapping[str, str], find: Callable[[str], Kind[Any]]) -> None:
        super().__init__()
        self.plurals = plurals
        self._names = frozenset(plurals.values())
        self._find = find

    def __missing__(self, name: str) -> Kind[Any]:
        if name not in self._names:
            raise KeyError(name)
        self[name] = found = self._find(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self.plurals.values())

    def __len__(self) -> int:
        return len(self._names)

    keys, values, items, get = Mapping.keys, Mapping.values, Mapping.items, Mapping.get  # type: ignore[assignment]


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
