"""The text of conduit's nginx file taken apart: the frame, and the pieces that stand behind it one by one. Pure.

A piece follows from its text alone, so one whose text was met before is what it was then. A server in the form that
conduit writes is read at once; whatever a hand made of it, line by line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
_SERVER: Final = pattern(r"server \{\n((?:    +[^\s#][^\n]*\n)*)")
"""A server up to its first fragment: `server {` and its own lines."""


class Fragment(Struct, frozen=True):
    """One fragment as found: what its header says, its lines without indentation, and the number of its header.

    `text` is all of it as it stands, from its header to its end. Lines are counted from 0, the first of its piece.
    """

    place: Part
    mark: str
    protected: bool
    certificate: str
    lines: tuple[str, ...]
    text: str
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


def scan(body: str, known: Mapping[str, Piece] = NEW) -> tuple[list[str], list[Placed]]:
    """Split the body into the frame's lines and the pieces; one with the text of a `known` one is that."""
    start, at = _whole(body, SITES, 0)
    frame = [line for line in map(str.strip, body[:start].split("\n")) if line and line != HEADER]
    number = body.count("\n", 0, at) + 2
    pieces: list[Placed] = []
    while at < len(body):
        piece = (known and known.get(_outline(body, at))) or _as_written(body, at) or _by_line(body, at)
        pieces.append((number, piece))
        at += len(piece.text)
        number += piece.length
    return frame, pieces


def _outline(body: str, at: int) -> str:
    """Return the text from a place to where a server, or else a group of upstreams, ends as conduit writes it."""
    end = "\n}\n" if body.startswith("server", at) else f"\n{END}\n"
    return body[at : body.find(end, at) + len(end)]


def _as_written(body: str, begin: int) -> Piece | None:
    """Return the server at a place in the form that conduit writes; None for anything else."""
    head = _SERVER.match(body, begin)
    if head is None:
        return None
    lines = tuple(map(str.strip, head[1].split("\n")[:-1]))
    fragments: list[Fragment] = []
    at, number = head.end(), len(lines) + 1
    while body.startswith("    # vhost ", at) and (fragment := _fragment(body, at, number)):
        fragments.append(fragment)
        at, number = at + len(fragment.text) + 1, number + len(fragment.lines) + 2
    if not body.startswith("}\n", at) or not _closed(lines):
        return None
    return Piece(_server(lines, fragments), tuple(fragments), body[begin : at + 2], number + 1)


def _closed(lines: Iterable[str]) -> bool:
    """Return whether every block that is opened in these lines is closed in them, and no other."""
    depth = 0
    for line in lines:
        depth += line.endswith("{") - (line == "}")
        if depth < 0:
            return False
    return depth == 0


def _by_line(body: str, begin: int) -> Piece:
    """Return what stands at a place, up to where all its blocks are closed or to the end of the file."""
    lines: list[Line] = []
    fragments: list[Fragment] = []
    at, number, depth = begin, 0, 0
    while at < len(body):
        start, at = at, _end_of_line(body, at)
        line = body[start : at - 1].strip()
        fragment = _fragment(body, start, number) if line.startswith("# vhost ") else None
        if fragment:
            fragments.append(fragment)
            at, number = start + len(fragment.text) + 1, number + len(fragment.lines) + 2
        else:
            lines += [(number, line)] if line else []
            depth += line.endswith("{") - (line == "}")
            number += 1
        if depth <= 0:
            break
    text = body[begin:at]
    if lines and (depth > 0 or lines[0][1] != "server {" or lines[-1][1] != "}"):
        return Piece(None, (), text, number, tuple(lines))
    server = _server((line for _, line in lines[1:-1]), fragments) if lines else None
    return Piece(server, tuple(fragments), text, number)


def _server(lines: Iterable[str], fragments: Iterable[Fragment]) -> Server:
    return Server(tuple(lines), tuple([fragment.place for fragment in fragments]))


def _fragment(body: str, begin: int, number: int) -> Fragment | None:
    """Return the fragment whose header is the line at `begin`, None when it is none; its end may be lost."""
    start, after = _whole(body, END, begin)
    text = body[begin : after - 1]
    lines = tuple(map(str.strip, text.split("\n")))
    header = _HEADER.fullmatch(lines[0])
    if header is None:
        return None
    name, part, also, mark, protected, certificate = header.groups()
    inner = lines[1:-1] if start < len(body) else lines[1:]
    return Fragment(Part(name, part, bool(also)), mark, bool(protected), certificate or "", inner, text, number)


def _whole(body: str, line: str, at: int) -> tuple[int, int]:
    """Return where the first line that says `line` begins, and where the next one does; the end of all without one."""
    found = body.find(line, at)
    while found >= 0:
        begin, after = body.rfind("\n", 0, found) + 1, _end_of_line(body, found)
        if body[begin:after].strip() == line:
            return begin, after
        found = body.find(line, after)
    return len(body), len(body) + 1


def _end_of_line(body: str, at: int) -> int:
    """Return where the line after that of a place begins; the last one need not have an end."""
    return (body.find("\n", at) + 1) or len(body) + 1
