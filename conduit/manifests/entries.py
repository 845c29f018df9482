"""A manifest's outline: which names it declares below which plural, with their data. Its sections fit into JSON."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.dialect.compose_profile import FIELD
from conduit.dialect.document import Document
from conduit.dialect.scalars import TEMPLATE
from conduit.dialect.words import shown
from conduit.errors import Code, Diagnostic
from conduit.model import walk

SHAPE = Code(
    "CND-0112",
    "not the shape of a manifest",
    "A manifest maps a plural kind to names, and each name to its fields: services: {wiki: {upstream: ...}}. A section "
    "or name without anything below it is refused, because a file that was cut short looks the same; write {} when "
    "nothing is meant.",
)

NO_MAPPING: Final = "begin with a kind, for example services:"
NO_LIST: Final = "names are keys, not items of a list: write `wiki:` in place of `- name: wiki`"


class Entry(Struct, frozen=True, array_like=True):
    """One declared name: where its key stands, whether any text in it looks like a template, and its data."""

    name: str
    line: int
    column: int
    templated: bool
    data: Any


class Section(Struct, frozen=True, array_like=True):
    """One top-level key of a manifest and what is declared below it."""

    plural: str
    line: int
    column: int
    entries: list[Entry]


class Outline(Struct, frozen=True):
    """The sections of a manifest as far as they hold, and what is wrong with the rest.

    `unread` are plurals and names whose values nobody can know, and which are in no section; without a name it is the
    whole section. `torn` tells that there may be more than these and the sections. `values` is how many values and keys
    a file without problems holds.
    """

    sections: list[Section]
    problems: tuple[Diagnostic, ...] = ()
    unread: frozenset[tuple[str, str]] = frozenset()
    torn: bool = False
    values: int = 0


def outline(document: Document) -> Outline:
    """Split a document into its sections."""
    if not isinstance(document.data, dict):
        wrong = [] if document.data is None else [_misshapen(document, 0, "the file is not a mapping", NO_MAPPING)]
        return Outline([], (*document.problems, *wrong), torn=document.torn or bool(wrong))
    sections: list[Section] = []
    misshapen: dict[tuple[str, str], Diagnostic] = {}
    for plural, index in document.children[0].items():
        names = document.data[str(plural)]
        if isinstance(names, dict) and index in document.children:
            sections.append(_section(document, str(plural), index, names))
        else:
            summary = f"the section {shown(str(plural))} holds no names"
            hint = NO_LIST if isinstance(names, list) else "write names below it, or remove it"
            misshapen[str(plural), ""] = _misshapen(document, index - 1, summary, hint)
    if not (document.problems or misshapen):
        return Outline(sections, values=len(document.marks))
    unread = {*misshapen, *_unread(sections, document.unread)}
    problems = (*document.problems, *misshapen.values())
    return Outline(_without(sections, unread), problems, frozenset(unread), document.torn)


def _unread(sections: list[Section], problems: list[Diagnostic]) -> Iterator[tuple[str, str]]:
    """Yield where problems stand: each in the last section or name that begins before it."""
    begins = {(section.line, section.column): (section.plural, "") for section in sections}
    for section in sections:
        begins |= {(entry.line, entry.column): (section.plural, entry.name) for entry in section.entries}
    places = sorted(begins)
    for source in (problem.source for problem in problems if problem.source):
        before = bisect_right(places, (source.line, source.column))
        yield begins[places[before - 1]] if before else ("", "")


def _without(sections: list[Section], unread: set[tuple[str, str]]) -> list[Section]:
    return [
        replace(section, entries=[entry for entry in section.entries if (section.plural, entry.name) not in unread])
        for section in sections
        if (section.plural, "") not in unread
    ]


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
