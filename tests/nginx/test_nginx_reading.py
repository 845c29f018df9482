"""Reading nginx's file: what is taken at once, or from an earlier reading, is what reading line by line finds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nginx_world import KIND, plain

from conduit.model import Key
from conduit.providers.nginx_contents import Contents
from conduit.providers.nginx_files import read_file
from conduit.providers.nginx_layout import Shape
from conduit.providers.nginx_render import Wanted, Wish, write_file
from conduit.providers.nginx_scan import SITES, Piece, scan
from tests.proxies.site_specs import NGINX
from tests.proxy_world import mark

SHAPE = Shape((":80",), (":443",), "127.0.0.1:8989", challenges="/var/lib/acme")
SITE = {
    "wiki": plain("wiki.lan"),
    "docs": plain("wiki.lan", path="/docs"),
    "deep": plain("deep.lan", path="/deep"),
    "pair": plain("pair.lan", upstreams=({"address": "10.0.0.1:1"}, {"address": "10.0.0.2:1"})),
    "any": plain("*.lan", path="/any"),
    "off": plain("off.lan", maintenance=True),
}
BY_HAND = [
    "}",
    "server {",
    "location / {",
    "# vhosts",
    "# end",
    "# ende",
    "# vhost wiki http 00",
    "a;",
    'server_name "";',
    "",
    "\f}",
]


def sign(name: str, part: str, text: str) -> str:
    return mark(Key("vhost", name), part, text)


def written() -> tuple[str, Contents]:
    wanted = {name: Wanted(KIND.render(spec, NGINX.context())) for name, spec in SITE.items()}
    return write_file(Wish(wanted, SHAPE, "c.conf"), sign)


BODY, CONTENTS = written()


@st.composite
def edited(draw: st.DrawFn) -> str:
    """Our file after a hand was in it: lines added, dropped, moved, copied in ranges, and given other blanks."""
    lines = BODY.split("\n")
    for _ in range(draw(st.integers(1, 3))):
        at, to = draw(st.integers(0, len(lines))), draw(st.integers(0, len(lines)))
        some = slice(at, at + draw(st.integers(0, 40)))
        taken, blanks = lines[some], draw(st.sampled_from(["", "    ", "        ", "\t"]))
        match draw(st.sampled_from(["add", "drop", "move", "copy", "indent"])):
            case "add":
                lines.insert(to, blanks + draw(st.sampled_from(BY_HAND)))
            case "drop":
                del lines[some]
            case "move":
                del lines[some]
                lines[to:to] = taken
            case "copy":
                lines[to:to] = taken
            case "indent":
                lines[some] = [blanks + line.strip() for line in taken]
    return "\n".join(lines)


@settings(max_examples=300)
@given(edited())
def test_what_was_read_before_is_taken_only_where_it_still_holds(body: str) -> None:
    anew = read_file(body, "c.conf", SHAPE, sign)
    for known in (CONTENTS, anew):
        assert read_file(body, "c.conf", SHAPE, sign, known) == anew


def test_a_copy_that_differs_is_told_in_every_reading() -> None:
    """A reading in which something was unknown is no reason to overlook it in the next."""
    at = BODY.index("server {", BODY.index("# vhost any http also"))
    server = BODY[BODY.rindex("\nserver {", 0, at) + 1 : at]
    body = BODY[:at] + server.replace("_timeout 24h", "_timeout 1h") + BODY[at:]
    anew = read_file(body, "c.conf", SHAPE, sign)
    assert any("differs from its copy" in place for place in anew.unknown)
    assert read_file(body, "c.conf", SHAPE, sign, anew) == anew


@settings(max_examples=300)
@given(edited())
def test_a_server_taken_at_once_is_what_its_lines_say_one_by_one(body: str) -> None:
    """With a tab before every line nothing has the form that conduit writes, and means the same."""
    at_once, by_line = (scan(text) for text in (body, "\t" + body.replace("\n", "\n\t").removesuffix("\t")))
    assert at_once[0] == by_line[0]
    assert list(map(_meaning, at_once[1])) == list(map(_meaning, by_line[1]))


def _meaning(placed: tuple[int, Piece]) -> Any:
    number, piece = placed
    found = [(each.place, each.mark, each.lines, each.number) for each in piece.fragments]
    return number, piece.length, piece.server, found, piece.strays


def test_every_line_of_a_fragment_is_its_vhosts() -> None:
    owner = None
    for number, line in enumerate(BODY.split("\n"), 2):
        words = line.split()
        owner = words[2] if words[:2] == ["#", "vhost"] else owner
        assert CONTENTS.vhost_at(number) == owner
        owner = None if words == ["#", "end"] else owner


def test_a_server_that_says_nothing_is_no_less_a_strangers() -> None:
    """nginx lets it listen on port 80 of every address."""
    found = read_file(BODY + "server {\n}\n", "c.conf", SHAPE, sign, CONTENTS)
    assert found.unknown == [f"c.conf:{BODY.count(chr(10)) + 2}: server without a name is not as declared"]


@pytest.mark.parametrize("line", ["listen 81;", "}", "location / {", "# mine"])
def test_a_line_by_hand_in_a_server_is_told_with_the_place_of_the_server(line: str) -> None:
    head = BODY.index("server {", BODY.index(SITES))
    body = BODY[:head] + BODY[head:].replace("server {\n", f"server {{\n    {line}\n", 1)
    unknown = read_file(body, "c.conf", SHAPE, sign, CONTENTS).unknown
    assert any(place.startswith(f"c.conf:{BODY.count(chr(10), 0, head) + 2}:") for place in unknown)
