"""The writing half of nginx's file: every line is checked on its way out.

A fragment that stands in the file just as it is wished stays as it was read. The finished text is read back and
compared with what was meant, because `nginx -t` accepts injected lines. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct

from conduit.errors import Code, Diagnostic, Refused
from conduit.model import Key
from conduit.providers.nginx_contents import NOTHING, Contents, Entry
from conduit.providers.nginx_files import (
    INDENT,
    VHOSTS,
    Sign,
    named,
    own_name,
    part_of,
    read_file,
    without_users,
)
from conduit.providers.nginx_layout import Part, Server, Shape
from conduit.providers.nginx_scan import END, HEADER, SITES
from conduit.providers.nginx_text import complete, directive, word
from conduit.providers.nginx_upstreams import SELF

UNWRITABLE = Code(
    "CND-1203",
    "a vhost cannot be written safely",
    "Every value is checked as it is written, and the finished file is read back and compared with what was meant, "
    "because nginx's own check accepts injected lines. This vhost did not come back as itself, or it holds a value "
    "that is not known yet. Correct its values.",
)


class Wanted(Struct, frozen=True):
    """One block on its way out: its native form, whether it is protected, and the file of its passwords."""

    native: Mapping[str, Any]
    protected: bool = False
    users_file: str = ""


class Wish(Struct, frozen=True):
    """What the file is to say, where it will be, and our blocks in it as they were read.

    `as_written` tells that nobody else wrote in it since, so that the text of what stays can be taken as it is.
    """

    blocks: Mapping[str, Wanted]
    shape: Shape
    place: str
    known: Contents = NOTHING
    as_written: bool = False

    def kept(self, name: str) -> Entry | None:
        """Return a block as it was read when it is to stay just so."""
        known, wanted = self.known.owned.get(name), self.blocks[name]
        return known if known and known.native is wanted.native and known.protected == wanted.protected else None


_DIRECTIVES: Final = frozenset(
    (
        *("location", "deny", "allow", "auth_basic", "root", "try_files", "return", "absolute_redirect", "set", "if"),
        *("default_type", "add_header", "client_max_body_size", "upstream", "zone", "server", "#", "}"),
    )
)
"""The directives a block may hold, beside those of the proxy module."""


def write_file(wish: Wish, sign: Sign) -> tuple[str, Contents]:
    """Return the body of the file and what is read in it. Raises `Refused`, blaming each block that is not safe."""
    blamed = {name: why for name, wanted in wish.blocks.items() if (why := _trouble(name, wanted, wish))}
    if blamed:
        name, why = next(iter(blamed.items()))
        raise _refused(f"{VHOSTS}/{name} {why}", blamed)
    natives = {name: wish.blocks[name].native for name in sorted(wish.blocks)}
    frame, asked = wish.shape.frame(natives), wish.known.asked.again(natives, wish.shape)
    groups = (_block(Part(name, "upstream"), wish, sign, 0) for name, native in natives.items() if "upstream" in native)
    head = "\n".join((HEADER, *_indented(frame, 0), SITES, *groups, ""))
    body = "".join((head, *_servers(asked.servers, wish, sign)))
    contents = read_file(body, wish.place, wish.shape, sign, wish.known, asked)
    _prove(contents, wish, frame)
    return body, contents


def _refused(summary: str, names: Iterable[str]) -> Refused:
    return Refused(Diagnostic(UNWRITABLE, summary, hint="correct its values"), [Key(VHOSTS, name) for name in names])


def _prove(contents: Contents, wish: Wish, frame: list[str]) -> None:
    """Compare what is read back with what was meant. Raises `Refused`."""
    differing = [name for name, wanted in wish.blocks.items() if not _came_back(contents.owned.get(name), wanted)]
    if differing:
        raise _refused(f"{VHOSTS}/{differing[0]} does not come back as it was written", differing)
    if contents.frame() != {"lines": frame, "unknown": []} or len(contents.owned) != len(wish.blocks):
        raise _refused("the file does not come back as it was written", [])


def _came_back(found: Entry | None, wanted: Wanted) -> bool:
    if found is None or (found.protected, found.users_file) != (wanted.protected, wanted.users_file):
        return False
    return found.native is wanted.native or found.native == without_users(wanted.native)


def _trouble(name: str, wanted: Wanted, wish: Wish) -> str:
    """Return why a block cannot be written; empty when it can, or stands in the file already."""
    if wish.kept(name):
        return ""
    native = wanted.native
    if "certificate" in native and not isinstance(native["certificate"]["files"], dict):
        return f"has no certificate files yet: {native['certificate']['files']}"
    try:
        for part in ("upstream", "https", "http"):
            lines = _fragment(name, part, wanted) if part in native else []
            if not complete(lines) or not all(map(_allowed, lines)):
                return f"holds a line in {part} that is not one whole directive"
    except ValueError as error:
        return f"cannot be written: {error}"
    return ""


@lru_cache(maxsize=1 << 10)
def _allowed(line: str) -> bool:
    head = line.rstrip(";").split(" ", 1)[0]
    return head in _DIRECTIVES or head.startswith(("proxy_", "ssl_certificate", "auth_basic"))


def _fragment(name: str, part: str, wanted: Wanted) -> list[str]:
    """Return the lines of one fragment of a block that is written anew."""
    lines = named(wanted.native[part], SELF, own_name(name))
    if wanted.users_file:
        at = [index for index, line in enumerate(lines) if line.startswith("auth_basic ")]
        for index in reversed(at):
            lines.insert(index + 1, directive("auth_basic_user_file", word(wanted.users_file)))
    if part == "https":
        files = wanted.native["certificate"]["files"]
        lines[:0] = [
            directive("ssl_certificate", word(files["certificate"])),
            directive("ssl_certificate_key", word(files["key"])),
        ]
    return lines


def _servers(servers: Iterable[Server], wish: Wish, sign: Sign) -> Iterator[str]:
    """Yield the text of each server; that of one whose blocks all stay is taken as it is."""
    reusable = wish.known.pieces if wish.as_written and not wish.known.unknown else ()
    texts = {piece.server: piece.text for _, piece in reusable if piece.server}
    for server in servers:
        text = texts.get(server)
        if text and all(wish.kept(part.name) for part in server.parts):
            yield text
        else:
            blocks = (_block(part, wish, sign, 1) for part in server.parts)
            yield "\n".join(("server {", *_indented(server.lines, 1), *blocks, "}", ""))


def _block(place: Part, wish: Wish, sign: Sign, depth: int) -> str:
    """Return the text of one fragment, from its header to its end."""
    name, part, also = place
    wanted = wish.blocks[name]
    kept = wish.kept(name)
    known = kept.fragments[part] if kept else None
    lines: Iterable[str] = known.lines if known else _fragment(name, part, wanted)
    mark = known.mark if known else sign(name, part_of(part, wanted.protected), own_name(name))
    words = ["# vhost", name, part, *(["also"] if also else []), mark, *(["protected"] if wanted.protected else [])]
    if part == "https":
        words.append(f"certificate={wanted.native['certificate']['name']}")
    return "\n".join((INDENT * depth + " ".join(words), *_indented(lines, depth), INDENT * depth + END))


def _indented(lines: Iterable[str], depth: int) -> Iterator[str]:
    for line in lines:
        if line == "}":
            depth -= 1
        yield INDENT * depth + line
        if line[-1] == "{":
            depth += 1
