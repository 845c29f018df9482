"""Pieces: what a large manifest is cut into, so that after an edit only what was edited is parsed again. Pure.

A piece is a section, or a run of whole entries of one with the section's line put before it, and reads by itself. Where
to cut is decided by the lines and the names in them, so an insertion moves no other cut. Such a line need not be what
it looks like, it may be text between quotes. But when a piece reads without a problem, all that ends with a mark of its
own (quotes, brackets) has ended in it, or its end would have been a break of syntax. All that ends by indentation
(plain and block text, lists, mappings) ends before the next piece, whose first line stands in the column of the
section's entries or in the first one. So when every piece before a cut reads, the parser of the whole file stands at
that cut as the parser of a piece does at its beginning: between two entries of the section, or two sections. Nothing
else leads from one piece to another: a file with anchors has no pieces, nor one with anything but sections, comments
and blank lines in its first column (YAML 1.2.2, sections 6.1 and 8.2.2). Names are compared where pieces are joined.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final
from zlib import crc32

from msgspec import Struct

from conduit.dialect.builder import MAX_NODES
from conduit.manifests.entries import Entry, Outline, Section
from conduit.patterns import pattern

SMALL: Final = 4096
"""A file of less than so many bytes is read whole about as quickly."""
ENTRIES: Final = 64
"""How many entries a piece has on average."""

TOP = pattern(rb"\n(?:(?P<plural>\w[\w-]*):(?=[ \n]|\Z)(?P<bare> *(?:#[^\n]*)?(?=\n))?|[^ #\n])")
"""The beginning of a section, bare when its entries stand below it; or anything else in the first column."""
NOTHING = pattern(rb"(?:\n *(?:#[^\n]*)?)*")
"""Blank lines and comments."""
FIRST = pattern(rb"(?:\n *(?:#[^\n]*)?)*?\n( +)\w[\w.-]*:(?=[ \n])")
"""From the line of a section to its first entry, with the indentation of that one."""
ANCHOR = pattern(rb"&(?<!\w&)[\w-]")


class Piece(Struct, frozen=True):
    """A part of a manifest that reads by itself, and the number of the line in the file where it begins.

    One that goes on with a section has that section's line before it in `content`, and not in the file.
    """

    content: bytes
    line: int
    goes_on: bool

    @property
    def first(self) -> int:
        """The number in the file of the first line of `content`."""
        return self.line - self.goes_on

    @property
    def digest(self) -> str:
        """The SHA-256 of what is read."""
        return sha256(self.content).hexdigest()


def cut(content: bytes) -> list[Piece]:
    """Return the pieces of a manifest, none when it is to be read as a whole."""
    if len(content) < SMALL or ANCHOR.search(content):
        return []
    text = b"\n" + content
    tops = list(TOP.finditer(text))
    if not (tops and all(top["plural"] for top in tops) and NOTHING.fullmatch(text, 0, tops[0].start())):
        return []
    pieces: list[Piece] = []
    begin, line = 0, 1
    for top, end in zip(tops, [*(top.start() for top in tops[1:]), len(text)], strict=True):
        head = b""
        for at in (*_cuts(text, top, end), end):
            pieces.append(Piece(head + text[begin + 1 : at + 1], line, bool(head)))
            line += text.count(b"\n", begin + 1, at + 1)
            begin, head = at, top["plural"] + b":\n"
    return pieces if len(pieces) > 1 else []


def _cuts(text: bytes, top: re.Match[bytes], end: int) -> list[int]:
    """Return the line breaks where the section that begins with `top` is cut, never before its first entry."""
    first = FIRST.match(text, top.end()) if top["bare"] is not None else None
    if first is None:
        return []
    entries = re.compile(rb"\n" + first[1] + rb"(\w[\w.-]*):(?=[ \n])").finditer(text, first.end(), end)
    return [entry.start() for entry in entries if crc32(entry[1]) % ENTRIES == 0]


def joined(pieces: Sequence[Piece], outlines: Iterable[Outline]) -> Outline | None:
    """Return the outline of a file from those of its pieces; None when only the whole file can tell it."""
    sections: dict[str, Section] = {}
    values = 0
    for piece, found in zip(pieces, outlines, strict=True):
        if found.problems or len(found.sections) != 1:
            return None
        plural, line, column, entries = _moved(found.sections[0], piece.first - 1)
        if piece.goes_on:
            sections[plural].entries.extend(entries)
        elif plural in sections:
            return None
        else:
            sections[plural] = Section(plural, line, column, entries)
        values += found.values
    if values > MAX_NODES or any(map(_repeats, sections.values())):
        return None
    return Outline(list(sections.values()), values=values)


def _moved(section: Section, lines: int) -> tuple[str, int, int, list[Entry]]:
    """Return the parts of a section that stands so many lines further down."""
    entries = [
        Entry(entry.name, entry.line + lines, entry.column, entry.templated, entry.data) for entry in section.entries
    ]
    return section.plural, section.line + lines, section.column, entries


def _repeats(section: Section) -> bool:
    return len({entry.name for entry in section.entries}) < len(section.entries)
