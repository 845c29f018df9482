"""The lines of conduit's nginx file taken apart: the frame, the servers, and the fragments that stand in them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from conduit.patterns import pattern
from conduit.providers.nginx_layout import Part, Server

HEADER: Final = "# Written by conduit. What is changed here by hand shows up as drift and is put back."
SITES: Final = "# vhosts"
END: Final = "# end"
_HEADER: Final = pattern(
    r"# vhost (?P<name>[a-z0-9._-]{1,253}) (?P<part>upstream|https|http)(?P<also> also)? (?P<mark>[0-9a-f]{1,64})"
    r"(?P<protected> protected)?(?: certificate=(?P<certificate>[a-z0-9._-]{1,253}))?"
)


class Fragment(Struct, frozen=True):
    """One fragment as found: what its header says, its lines without indentation, and the number of its header.

    `text` is all of it as it stands, from its header to its end.
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


def scan(body: str, known: Iterable[Fragment] = ()) -> tuple[list[Line], list[Line | Fragment]]:
    """Split the body into the frame's lines and the rest, in which fragments are taken together.

    One that stands there as one of the `known` does is not taken apart again.
    """
    start, at = _whole(body, SITES, 0)
    lines = enumerate(map(str.strip, body[:start].split("\n")), 2)
    frame = [(number, line) for number, line in lines if line and line != HEADER]
    same = {fragment.text.partition("\n")[0]: fragment for fragment in known}
    rest: list[Line | Fragment] = []
    number = body.count("\n", 0, at) + 2
    while at < len(body):
        begin, at = at, _end_of_line(body, at)
        line = body[begin : at - 1]
        fragment = _fragment(body, begin, number, same.get(line)) if "# vhost " in line else None
        if fragment:
            rest.append(fragment)
            at = begin + len(fragment.text) + 1
            number += len(fragment.lines) + 2
        else:
            if line := line.strip():
                rest.append((number, line))
            number += 1
    return frame, rest


def _fragment(body: str, begin: int, number: int, known: Fragment | None) -> Fragment | None:
    """Return the fragment whose header is the line at `begin`, None when it is none; its end may be lost."""
    if known and body.startswith(known.text + "\n", begin):
        return replace(known, number=number)
    start, after = _whole(body, END, begin)
    text = body[begin : after - 1]
    lines = tuple(map(str.strip, text.split("\n")))
    header = _HEADER.fullmatch(lines[0])
    if header is None:
        return None
    part = Part(header["name"], header["part"], bool(header["also"]))
    inner = lines[1:-1] if start < len(body) else lines[1:]
    return Fragment(part, header["mark"], bool(header["protected"]), header["certificate"] or "", inner, text, number)


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


Found = tuple[Server, list[Fragment]]
"""A server, and the fragments that stand in it."""


def servers(rest: list[Line | Fragment], unknown: list[str], place: str) -> Iterator[Found]:
    """Yield each server with its fragments; groups of upstreams count as a server without lines.

    Lines that belong to no server are added to `unknown`, with their place.
    """
    lines: list[Line] = []
    fragments: list[Fragment] = []
    depth = 0
    for item in rest:
        if isinstance(item, Fragment):
            if depth:
                fragments.append(item)
            else:
                yield Server((), ()), [item]
            continue
        lines.append(item)
        depth += item[1].endswith("{") - (item[1] == "}")
        if depth <= 0:
            if lines[0][1] == "server {" and lines[-1][1] == "}":
                parts = tuple(fragment.place for fragment in fragments)
                yield Server(tuple(line for _, line in lines[1:-1]), parts), fragments
            else:
                unknown += [f"{place}:{number}: {line[:200]}" for number, line in lines]
            lines, fragments, depth = [], [], 0
    unknown += [f"{place}:{number}: {line[:200]}" for number, line in lines]
