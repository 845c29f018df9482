"""The vhost kind without a daemon: what is written is read back, and nothing gets out of a word."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nginx_world import KIND, plain
from pydantic import ValidationError

from conduit.errors import Refused
from conduit.model import Key
from conduit.providers.accounts import Hashed
from conduit.providers.nginx_files import read_file
from conduit.providers.nginx_layout import Shape
from conduit.providers.nginx_render import Wanted, Wish, write_file
from conduit.providers.nginx_text import complete, directive, word, words_of
from conduit.resources.route_spec import RouteSpec
from tests.proxies.site_specs import HASH, NGINX, SPECS
from tests.proxy_world import mark

SHAPE = Shape((":80",), (":443",), "127.0.0.1:8989")


def sign(name: str, part: str, text: str) -> str:
    return mark(Key("vhost", name), part, text)


def staged(native: Any) -> Wanted:
    """A native form as the provider stages it."""
    return Wanted(native, users_file="/passwords/a.0" if "users" in native else "")


@settings(max_examples=40)
@given(st.lists(SPECS["nginx"], min_size=1, max_size=4))
def test_what_is_written_is_read_back(declared: list[RouteSpec]) -> None:
    natives = {f"v{number}": KIND.render(spec, NGINX.context()) for number, spec in enumerate(declared)}
    wanted = {name: staged(native) for name, native in natives.items()}
    body, contents = write_file(Wish(wanted, SHAPE, "conduit.conf"), sign)
    found = {name: entry.native for name, entry in contents.owned.items()}
    assert found == {name: {k: v for k, v in native.items() if k != "users"} for name, native in natives.items()}
    assert contents.frame() == {"lines": SHAPE.frame(natives), "unknown": []}
    assert HASH not in body
    again, _ = write_file(Wish(wanted, SHAPE, "conduit.conf", contents), sign)
    assert again == body


@settings(max_examples=40)
@given(st.lists(SPECS["nginx"], min_size=2, max_size=5), st.data())
def test_a_file_with_some_of_its_vhosts_changed_is_what_it_would_be_anew(
    declared: list[RouteSpec], data: st.DataObject
) -> None:
    natives = {f"v{number}": KIND.render(spec, NGINX.context()) for number, spec in enumerate(declared)}
    before = {name: natives["v0"] if data.draw(st.booleans()) else native for name, native in natives.items()}
    _, contents = write_file(
        Wish({name: staged(native) for name, native in before.items()}, SHAPE, "conduit.conf"), sign
    )
    known = contents.owned
    wanted = {
        name: Wanted(known[name].native, users_file=known[name].users_file)
        if before[name] is native and "users" not in native
        else staged(native)
        for name, native in natives.items()
    }
    body, read = write_file(Wish(wanted, SHAPE, "conduit.conf", contents, as_written=True), sign)
    anew, from_nothing = write_file(Wish(wanted, SHAPE, "conduit.conf"), sign)
    assert body == anew
    assert read == from_nothing


def test_the_text_of_what_stays_is_taken_only_from_a_file_nobody_else_wrote_in() -> None:
    wanted = {"wiki": staged(KIND.render(plain(), NGINX.context()))}
    body, _ = write_file(Wish(wanted, SHAPE, "conduit.conf"), sign)
    moved = body.replace("    # vhost wiki", "\t# vhost wiki")
    known = read_file(moved, "conduit.conf", SHAPE, sign)
    kept = {"wiki": Wanted(known.owned["wiki"].native)}
    assert write_file(Wish(kept, SHAPE, "conduit.conf", known), sign)[0] == body
    assert write_file(Wish(kept, SHAPE, "conduit.conf", known, as_written=True), sign)[0] == moved


@pytest.mark.parametrize("ending", ["    # ende\n", "    return 200 '# end';\n", "# end"])
def test_only_a_whole_line_ends_a_fragment_that_is_known(ending: str) -> None:
    """What stands behind a text that is known must not be taken for a part of it."""
    body, contents = write_file(Wish({"wiki": staged(KIND.render(plain(), NGINX.context()))}, SHAPE, "c.conf"), sign)
    text = body[body.index("    # vhost wiki http") : body.index("    # end") + len("    # end")]
    changed = body.replace(text, text.removesuffix("    # end") + ending.removesuffix("\n"))
    assert read_file(changed, "c.conf", SHAPE, sign, contents) == read_file(changed, "c.conf", SHAPE, sign)


@settings(max_examples=40)
@given(NGINX.values | NGINX.messages)
def test_a_word_is_one_word_and_just_its_text(text: str) -> None:
    try:
        line = directive("add_header", "X-A", word(text), "always")
    except ValueError:
        assert "$" in text
        return
    assert words_of(line) == ("add_header", "X-A", text, "always", ";")


@pytest.mark.parametrize("text", ["a$b", "$http_authorization", "${x}", "a\nb", "a\rb", "a\0b", "\x7f", "x" * 4001])
def test_what_nginx_would_read_as_more_than_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"nginx reads|not one line"):
        word(text)


@pytest.mark.parametrize(
    "lines",
    [
        ["}"],
        ["location / {"],
        ["}", "location / {"],
        ["return 200;return 200;"],
        ["return 200; # x"],
        ['return 200 "a'],
        ['return 200 "$x";'],
        ["a\nb;"],
        [" return 200;"],
        ["return  200;"],
        ["return 200"],
        ["# a\tb"],
    ],
)
def test_lines_that_are_not_whole_directives_are_told(lines: list[str]) -> None:
    assert not complete(lines)


@pytest.mark.parametrize("line", ["load_module x;", "include /etc/passwd;", "ssl_engine x;", "}", "perl x;"])
def test_a_block_with_a_directive_of_nobodys_is_refused(line: str) -> None:
    native = KIND.render(plain(), NGINX.context())
    native["http"].insert(1, line)
    with pytest.raises(Refused) as refusal:
        write_file(Wish({"wiki": Wanted(native)}, SHAPE, "conduit.conf"), sign)
    assert refusal.value.blamed == (Key("vhost", "wiki"),)


def test_names_have_no_order() -> None:
    assert plain(names=("b.lan", "*.a.lan")).names == ("*.a.lan", "b.lan")


def test_ten_times_the_vhosts_cost_about_ten_times_the_lines() -> None:
    """Every vhost is looked at a fixed number of times: counted in marks, which each cost a hash."""
    for count in (10, 100):
        signed: list[str] = []

        def counted(name: str, part: str, text: str, signed: list[str] = signed) -> str:
            signed.append(name)
            return sign(name, part, text)

        natives = {f"v{n}": KIND.render(plain(f"v{n}.lan"), NGINX.context()) for n in range(count)}
        _, contents = write_file(
            Wish({n: Wanted(native) for n, native in natives.items()}, SHAPE, "conduit.conf"), counted
        )
        assert len(signed) == 2 * count
        known = {name: Wanted(entry.native) for name, entry in contents.owned.items()}
        signed.clear()
        write_file(Wish(known, SHAPE, "conduit.conf", contents), counted)
        assert not signed  # the text of each was found to be ours before


@pytest.mark.parametrize(
    "fields",
    [
        {"response_headers": {"X-A": "$http_authorization"}},
        {"request_headers": {"X-A": "a${b}"}},
        {"request_headers": {"X-A": "$1"}},
        {"request_headers": {"X-A": ""}},
        {"request_headers": {"Host": None}},
        {"response_headers": {"Server": None}},
        {"response_headers": {"Server": "x"}},
        {"redirect": {"to": "https://x.lan"}, "response_headers": {"Location": "/"}},
        {"redirect": {"to": "https://x.lan/$http_host"}},
        {"maintenance": True, "response_headers": {"Content-Type": "text/plain"}},
        {"names": ["a.lan; return 200"]},
        {"names": ["~^.*$"]},
        {"path": "/a{b}"},
        {"path": "/a b"},
        {"path": "/a;b"},
        {"path": '/a"b'},
        {"health": {"path": "/x\n}"}},
        {"basic_auth": {"a:b": HASH}},
        {"allow": ["all"]},
        {"upstreams": [{"address": "unix:/x"}]},
    ],
    ids=str,
)
def test_what_nginx_could_misread_or_cannot_do_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        plain(**fields)


def test_a_password_is_in_no_line() -> None:
    native = KIND.render(plain(basic_auth={"ann": HASH}), NGINX.context())
    assert isinstance(native["users"]["ann"], Hashed)
    assert HASH not in repr(native)


def test_an_empty_file_is_no_vhost_and_no_frame() -> None:
    assert read_file("", "conduit.conf", SHAPE, sign).owned == {}
