"""Compose files as nodes that know their place, whether they stand alone or inside a manifest."""

from __future__ import annotations

from typing import Any

import yaml

from conduit.compose.nodes import Node
from conduit.dialect.builder import DUPLICATE_KEY
from conduit.dialect.compose_profile import ComposeBuilder
from conduit.dialect.document import Document, syntax_problem
from conduit.dialect.text import SourceText, decode
from conduit.errors import Diagnostic, LoadError


def read(file: str, content: bytes) -> tuple[Node, list[Diagnostic]]:
    """Read one Compose file; of a key that stands twice the first value counts, and it is told beside the file.

    Raises `LoadError` with every problem up to the first break of syntax when a value cannot be known.
    """
    source = decode(file, content)
    builder = ComposeBuilder(source, content)
    try:
        data = builder.document()
    except yaml.YAMLError as error:
        raise LoadError([*builder.problems, syntax_problem(source, error)]) from None
    if any(problem.code is not DUPLICATE_KEY for problem in builder.problems):
        raise LoadError(builder.problems)
    return nodes(source, builder.marks, builder.children, data), builder.problems


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
