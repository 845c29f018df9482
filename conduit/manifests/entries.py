"""A manifest's outline: which names it declares below which plural, with their data. Plain enough for JSON."""

from __future__ import annotations

from typing import Any, NamedTuple

from conduit.dialect.compose_profile import FIELD
from conduit.dialect.document import Document
from conduit.dialect.scalars import TEMPLATE
from conduit.dialect.words import shown
from conduit.errors import Code, Diagnostic, LoadError
from conduit.model import walk

SHAPE = Code(
    "CND-0112",
    "not the shape of a manifest",
    "A manifest maps a plural kind to names, and each name to its fields: services: {wiki: {upstream: ...}}. A section "
    "or name without anything below it is refused, because a file that was cut short looks the same; write {} when "
    "nothing is meant.",
)


class Entry(NamedTuple):
    """One declared name: where its key stands, whether any text in it looks like a template, and its data."""

    name: str
    line: int
    column: int
    templated: bool
    data: Any


class Section(NamedTuple):
    """One top-level key of a manifest and what is declared below it."""

    plural: str
    line: int
    column: int
    entries: list[Entry]


def outline(document: Document) -> list[Section]:
    """Split a document into its sections. Raises `LoadError` when it does not have the shape of a manifest."""
    if document.data is None:
        return []
    problems: list[Diagnostic] = []
    if not isinstance(document.data, dict):
        problems.append(
            _misshapen(document, 0, "the file is not a mapping", "begin with a kind, for example services:")
        )
        raise LoadError(problems)
    sections = []
    for plural, index in document.children[0].items():
        names = document.data[str(plural)]
        if isinstance(names, dict) and index in document.children:
            sections.append(_section(document, str(plural), index, names))
        else:
            summary = f"the section {shown(str(plural))} holds no names"
            problems.append(_misshapen(document, index - 1, summary, "write names below it, or remove it"))
    if problems:
        raise LoadError(problems)
    return sections


def _section(document: Document, plural: str, index: int, names: dict[str, Any]) -> Section:
    entries = []
    for name, at in document.children[index].items():
        data = names[str(name)]
        entries.append(Entry(str(name), *document.place(at - 1), document.templated and _templated(data), data))
    return Section(plural, *document.place(index - 1), entries)


def _templated(data: Any) -> bool:
    if isinstance(data, dict) and isinstance(data.get(FIELD), dict):
        data = {name: value for name, value in data.items() if name != FIELD}
    return any(isinstance(value, str) and TEMPLATE.search(value) for value in walk(data))


def _misshapen(document: Document, index: int, summary: str, hint: str) -> Diagnostic:
    return document.source.problem(SHAPE, summary, *document.place(index), hint)
