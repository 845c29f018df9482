"""The text of conduit's nginx file taken apart: the frame, and the pieces that stand behind it one by one. Pure.

A piece follows from its text alone, so one whose text was met before is what it was then. One in the form that conduit
writes is split into its lines at once; whatever a hand made of it, line by line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from conduit.patterns import pattern
from conduit.providers.nginx_layout import Part, Server

HEADER: Final = "# Written by conduit. What is changed here by hand shows up as drift and is put back."
SITES: Final = "# vhosts"
END: Final = "# end"
_HEADER: Final = pattern(
    r"# vhost (?P<name>[a-z0-9._-]{1,253}) (?P<part>upstream|https|http)(?P<also> also)? (?P<mark>[0-9a-f]{1,64})"
    r"(?P<protected> protected)?(?: certificate=(?P<certificate>[a-z0-9._-]{1,253}))?"
)
_VHOST: Final = "# vhost "
_SERVER: Final = "server {\n"
_FAR: Final = 1 << 14
"""No end is looked for behind so many characters: where a hand spoiled each, every piece would reach the last one."""


class Fragment(Struct, frozen=True):
    """One fragment as found: what its header says, its lines without indentation, and the number of its header.

    Lines are counted from 0, the first of its piece.
    """

    place: Part
    mark: str
    protected: bool
    certificate: str
    lines: tuple[str, ...]
    number: int


Line = tuple[int, str]
"""A line without indentation, after its number."""


class Piece(Struct, frozen=True):
    """What stands at the top of the file: a server with its fragments, or a group of upstreams, which has no server.

    `text` is all of it, `length` the number of its lines. Lines that belong to no server are `strays`.
    """

    server: Server | None
    fragments: tuple[Fragment, ...]
    text: str
    length: int
    strays: tuple[Line, ...] = ()


Placed = tuple[int, Piece]
"""A piece, after the number of its first line."""
NEW: Final[Mapping[str, Piece]] = MappingProxyType({})


class _Stripped(dict[str, str]):
    """Lines without the blanks around them, by the line as it stands: a vhost has most lines in common with others."""

    def __missing__(self, line: str) -> str:
        stripped = self[line] = line.strip()
        return stripped


def scan(body: str, known: Mapping[str, Piece] = NEW) -> tuple[list[str], list[Placed]]:
    """Split the body into the frame's lines and the pieces; one with the text of a `known` one is that."""
    frame = list(iter(_lines(body, 0).__next__, SITES))
    at, number = _after(body, 0, len(frame) + 1), len(frame) + 3
    pieces: list[Placed] = []
    stripped = _Stripped().__getitem__
    while at < len(body):
        outline = _outline(body, at)
        piece = (known and known.get(outline)) or _as_written(outline, stripped) or _by_line(body, at)
        pieces.append((number, piece))
        at += len(piece.text)
        number += piece.length
    return [line for line in frame if line and line != HEADER], pieces


def _outline(body: str, at: int) -> str:
    """Return the text from a place to where a server, or else a group of upstreams, ends as conduit writes it.

    Empty for what begins as neither of them does, and without such an end nearby.
    """
    if body.startswith(_SERVER, at):
        end = "\n}\n"
    elif body.startswith(_VHOST, at):
        end = f"\n{END}\n"
    else:
        return ""
    found = body.find(end, at, at + _FAR)
    return body[at : found + len(end)] if found >= 0 else ""


def _as_written(text: str, stripped: Callable[[str], str]) -> Piece | None:
    """Return the server in the form that conduit writes: its own lines, then its fragments; None for anything else."""
    if not text.startswith(_SERVER):
        return None
    lines = tuple(map(stripped, text.split("\n")))
    if lines[-3:] != (END, "}", ""):
        return None
    at = text.count("\n", 0, text.find(_VHOST))
    own, close = lines[1:at], len(lines) - 2
    fragments: list[Fragment] = []
    while at < close:
        header, end = _HEADER.fullmatch(lines[at]), lines.index(END, at)
        if header is None:
            return None
        fragments.append(_fragment(header, lines[at + 1 : end], at))
        at = end + 1
    return Piece(_server(own, fragments), tuple(fragments), text, close + 1) if _closed(own) else None


def _closed(lines: Iterable[str]) -> bool:
    """Return whether these are lines that say something, and every block opened in them is closed, and no other."""
    depth = 0
    for line in lines:
        depth += line.endswith("{") - (line == "}")
        if not line or depth < 0:
            return False
    return depth == 0


def _by_line(body: str, begin: int) -> Piece:
    """Return what stands at a place, up to where all its blocks are closed or to the end of the file."""
    lines: list[Line] = []
    fragments: list[Fragment] = []
    number = depth = 0
    following = _lines(body, begin)
    for line in following:
        header = _HEADER.fullmatch(line) if line.startswith(_VHOST) else None
        if header:
            inner = tuple(iter(following.__next__, END))
            fragments.append(_fragment(header, inner, number))
            number += len(inner) + 2
        else:
            lines += [(number, line)] if line else []
            depth += line.endswith("{") - (line == "}")
            number += 1
        if depth <= 0:
            break
    text = body[begin : _after(body, begin, number)]
    if lines and (depth > 0 or lines[0][1] != "server {" or lines[-1][1] != "}"):
        return Piece(None, (), text, number, tuple(lines))
    server = _server((line for _, line in lines[1:-1]), fragments) if lines else None
    return Piece(server, tuple(fragments), text, number)


def _server(lines: Iterable[str], fragments: Iterable[Fragment]) -> Server:
    return Server(tuple(lines), tuple([fragment.place for fragment in fragments]))


def _fragment(header: re.Match[str], lines: tuple[str, ...], number: int) -> Fragment:
    name, part, also, mark, protected, certificate = header.groups()
    return Fragment(Part(name, part, bool(also)), mark, bool(protected), certificate or "", lines, number)


def _lines(body: str, at: int) -> Iterator[str]:
    """Yield the lines from a place on, without indentation; behind the last end of a line comes one more."""
    while at <= len(body):
        begin, at = at, _after(body, at, 1)
        yield body[begin : at - 1].strip()


def _after(body: str, at: int, count: int) -> int:
    """Return where the line begins that comes so many lines after a place; the last one need not have an end."""
    for _ in range(count):
        at = (body.find("\n", at) + 1) or len(body) + 1
    return at
