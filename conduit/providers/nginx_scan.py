"""The lines of conduit's nginx file taken apart: the frame, the servers, and the fragments that stand in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
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


class Fragment(Struct, frozen=True):
    """One fragment as found: what its header says, its lines without indentation, and the number of its header."""

    place: Part
    mark: str
    protected: bool
    certificate: str
    lines: tuple[str, ...]
    number: int


Line = tuple[int, str]
"""A line without indentation, after its number."""


def scan(body: str) -> tuple[list[Line], list[Line | Fragment]]:
    """Split the body into the frame's lines and the rest, in which fragments are taken together."""
    rest: list[Line | Fragment] = []
    lines = list(map(str.strip, body.split("\n")))
    whole = len(lines)
    start = lines.index(SITES) if SITES in lines else whole
    frame = [(number, line) for number, line in enumerate(lines[:start], 2) if line and line != HEADER]
    lines.append(END)  # ends a fragment whose own end is lost
    index = start + 1
    while index < whole:
        line = lines[index]
        header = _HEADER.fullmatch(line) if line.startswith("# vhost ") else None
        if header:
            end = lines.index(END, index)
            rest.append(_fragment(header, tuple(lines[index + 1 : end]), index + 2))
            index = end + 1
        else:
            if line:
                rest.append((index + 2, line))
            index += 1
    return frame, rest


def _fragment(header: re.Match[str], lines: tuple[str, ...], number: int) -> Fragment:
    part = Part(header["name"], header["part"], bool(header["also"]))
    return Fragment(part, header["mark"], bool(header["protected"]), header["certificate"] or "", lines, number)


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
