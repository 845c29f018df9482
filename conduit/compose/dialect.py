"""The Compose profile of the YAML dialect: octal numbers, merge keys and many aliases; all else as in manifests.

Compose files are written for Go's YAML 1.1-like reader: `0440` is an octal number and `<<` merges mappings
(https://yaml.org/type/merge.html): a key of the mapping itself wins, then the first merged mapping that has it.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from conduit.compose.nodes import Node
from conduit.errors import LoadError
from conduit.manifests.builder import ALIAS, Builder
from conduit.manifests.dialect import Document, syntax_problem
from conduit.manifests.text import SourceText, decode

MERGE: Final = "<<"
OCTAL = re.compile(r"0[0-7]+", re.ASCII)


class ComposeBuilder(Builder):
    """Builds one Compose file; an alias has the places of what it repeats."""

    max_aliases = 1_000

    def __init__(self, source: SourceText, content: bytes) -> None:
        super().__init__(source, content)
        self._anchored: dict[str, int] = {}

    def special(self, event: Any, at: int, depth: int) -> Any:
        """Return a collection, or a scalar with a tag or an anchor."""
        value = super().special(event, at, depth)
        if event.anchor is not None:
            self._anchored[event.anchor] = at
        return value

    def alias(self, event: Any) -> Any:
        """Return the value an alias repeats."""
        value = super().alias(event)
        inside = self.children.get(self._anchored[event.anchor])
        if inside is not None:
            self.children[len(self.marks) - 1] = inside
        return value

    def scalar(self, event: Any) -> Any:
        """Return the value of a scalar; plain octal digits are a number."""
        if event.implicit[0] and OCTAL.fullmatch(event.value) and len(event.value) < 20:
            return int(event.value, 8)
        return super().scalar(event)

    def key(self, event: Any, depth: int) -> str:
        """Return the key that begins with `event`."""
        return MERGE if getattr(event, "value", None) == MERGE else super().key(event, depth)

    def mapping(self, at: int, depth: int) -> dict[str, Any]:
        """Return a mapping with its merge key carried out."""
        data = super().mapping(at, depth)
        if MERGE in data:
            self._merge(data, self.children[at])
        return data

    def _merge(self, data: dict[str, Any], places: dict[str | int, int]) -> None:
        value, origin = data.pop(MERGE), places.pop(MERGE)
        listed = isinstance(value, list)
        sources = [(item, self.children[origin][index]) for index, item in enumerate(value)] if listed else []
        for merged, index in sources or [(value, origin)]:
            if not isinstance(merged, dict):
                self._complain_at(index)
                continue
            for key in merged.keys() - data.keys():
                data[key] = merged[key]
                places[key] = self.children[index][key]

    def _complain_at(self, index: int) -> None:
        place = self.source.place(self.marks[index])
        hint = "write <<: *anchor, or <<: [*first, *second]"
        self.problems.append(self.source.problem(ALIAS, "a merge key (<<) takes mappings", *place, hint))


def parse(file: str, content: bytes) -> Node:
    """Read one Compose file. Raises `LoadError` with every problem found up to the first break of syntax."""
    source = decode(file, content)
    builder = ComposeBuilder(source, content)
    try:
        data = builder.document()
    except yaml.YAMLError as error:
        raise LoadError([*builder.problems, syntax_problem(source, error)]) from None
    if builder.problems:
        raise LoadError(builder.problems)
    return nodes(source, builder.marks, builder.children, data)


def nodes(
    source: SourceText, marks: list[int], children: dict[int, dict[str | int, int]], data: Any, at: int = 0
) -> Node:
    """Return parsed data as nodes; `at` is the index of its mark."""

    def node(value: Any, index: int, key_at: int) -> Node:
        inside = children.get(index, {})
        held: Any = value
        if isinstance(value, dict):
            held = {key: node(item, inside[key], marks[inside[key] - 1]) for key, item in value.items()}
        elif isinstance(value, list):
            held = [node(item, inside[position], -1) for position, item in enumerate(value)]
        return Node(held, source, marks[index], key_at)

    return node(data, at, -1) if marks else Node(data, source, 0)


def below(document: Document, path: tuple[str | int, ...]) -> Node:
    """Return the part of a parsed manifest at `path`, where an application is written inline."""
    data: Any = document.data
    for part in path:
        data = data[part]
    return nodes(document.source, document.marks, document.children, data, document.find(path))
