"""The vhost kind without a daemon: its native form says all of a spec and no more, and nothing gets out of a word."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nginx_world import KIND, plain
from pydantic import ValidationError

from conduit.errors import Refused
from conduit.kind import Context
from conduit.model import Claim, Key, Late, Ref, Secret
from conduit.providers.accounts import Hashed
from conduit.providers.nginx_files import read_file
from conduit.providers.nginx_layout import Shape
from conduit.providers.nginx_render import Wanted, Wish, write_file
from conduit.providers.nginx_text import complete, directive, word, words_of
from conduit.resources.vhost import VhostSpec
from conduit.settings import Settings
from tests.proxy_world import keyed, mark

HASH = "$2b$10$" + "abcdefghijklmnopqrstuv" + "0123456789012345678901234567890"
PAIR = {"certificate": "/certs/wiki.1.2.pem", "key": "/certs/wiki.1.2.pem"}
CERTIFICATE = Ref(Key("certificate", "wiki"), "nginx", PAIR)
SHAPE = Shape((":80",), (":443",), "127.0.0.1:8989")


def context(https: str = ":443") -> Context:
    settings = Settings.model_validate({"nginx": {"https": [https]}})
    return Context(settings, 0.0, fingerprint=lambda text: keyed("fingerprint", text))


def sign(name: str, part: str, text: str) -> str:
    return mark(Key("vhost", name), part, text)


def labels(size: int = 8) -> st.SearchStrategy[str]:
    return st.from_regex(rf"[a-z]([a-z0-9-]{{0,{size}}}[a-z0-9])?", fullmatch=True)


hosts = st.builds(lambda star, name: f"{star}{name}.lan", st.sampled_from(["", "*."]), labels())
times = st.builds(lambda n, unit: f"{n}{unit}", st.integers(1, 5000), st.sampled_from(["ms", "s", "m", "h", "d"]))
networks = st.sampled_from(["10.0.0.0/8", "192.168.1.1", "fd00::/8", "0.0.0.0/0", "203.0.113.0/24"])
texts = st.text(st.characters(min_codepoint=32, max_codepoint=500, categories=("L", "N", "P", "S", "Zs")), max_size=30)
messages = texts.filter(lambda text: text.isprintable() and not {"{", "}"} & set(text))
values = (
    st.text(
        st.characters(codec="ascii", min_codepoint=32, max_codepoint=126, exclude_characters="{}$"),
        min_size=1,
        max_size=30,
    )
    .map(str.strip)
    .filter(bool)
)
names = st.from_regex(r"X-[A-Z][a-z]{0,8}", fullmatch=True)
passwords = st.one_of(st.just(HASH), st.builds(Secret, labels()))
statuses = st.one_of(st.integers(100, 599), st.sampled_from(["1xx", "2xx", "3xx", "4xx", "5xx"]))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


headers = st.dictionaries(names, st.none() | values, max_size=3)
upstreams = st.fixed_dictionaries(
    {"address": st.builds("{}:{}".format, st.sampled_from(["10.0.0.5", "[fd00::5]"]), st.integers(1, 65535))},
    optional={"weight": st.integers(1, 9)},
)
guards = optional(
    allow=st.lists(networks, min_size=1, max_size=3, unique=True),
    deny=st.lists(networks, max_size=3, unique=True),
    basic_auth=st.dictionaries(labels(), passwords, min_size=1, max_size=3),
    response_headers=headers,
)
proxied = st.builds(
    lambda several, rest: {"upstreams": several} | rest,
    st.lists(upstreams, min_size=1, max_size=4),
    optional(
        websockets=st.booleans(),
        request_headers=st.builds(dict.__or__, headers, st.sampled_from([{}, {"Host": "inner.lan"}])),
        max_body=st.builds("{}{}".format, st.integers(1, 9999), st.sampled_from(["B", "KB", "MiB", "GB"])),
        timeouts=optional(connect=times, read=times, write=times),
        health=optional(path=st.sampled_from(["/", "/ok?deep=1"]), interval=times, timeout=times, status=statuses),
    ),
)
redirects = st.builds(
    lambda to, status, keep: {"redirect": {"to": to, "status": status, "keep_path": keep}},
    st.sampled_from(["https://x.lan", "http://x.lan:8080/a", "/elsewhere"]),
    st.sampled_from([301, 302, 307, 308]),
    st.booleans(),
)
down = st.one_of(
    st.just({"maintenance": True}),
    st.builds(
        lambda text, n: {"maintenance": {"message": text, "retry_after": f"{n}s"}}, messages, st.integers(1, 10**6 - 1)
    ),
)
paths = st.one_of(
    st.just({}),
    st.builds(lambda name, strip: {"path": f"/{name}.a+b", "strip_prefix": strip}, labels(), st.booleans()),
)
transports = st.one_of(
    st.just({"tls": False}), st.builds(lambda on: {"certificate": CERTIFICATE, "https_redirect": on}, st.booleans())
)


@st.composite
def specs(draw: st.DrawFn) -> VhostSpec:
    fields = {"names": draw(st.lists(hosts, min_size=1, max_size=5, unique=True))}
    answer = draw(st.one_of(proxied, redirects, down))
    place = draw(paths)
    if "upstreams" not in answer:
        place = {"path": place.get("path", "/")}
    return VhostSpec.model_validate(fields | answer | place | draw(guards) | draw(transports))


def staged(native: Any) -> Wanted:
    """A native form as the provider stages it."""
    return Wanted(native, users_file="/passwords/a.0" if "users" in native else "")


@settings(max_examples=40)
@given(specs(), st.sampled_from([":443", "127.0.0.1:8443"]))
def test_parse_of_render_is_the_spec(spec: VhostSpec, https: str) -> None:
    native = KIND.render(spec, context(https))
    assert KIND.parse(native) == spec
    assert KIND.render(spec, context(https)) == native


@settings(max_examples=40)
@given(specs(), specs())
def test_different_specs_differ_natively(one: VhostSpec, other: VhostSpec) -> None:
    assert (KIND.render(one, context()) == KIND.render(other, context())) == (one == other)


@settings(max_examples=40)
@given(st.lists(specs(), min_size=1, max_size=4))
def test_what_is_written_is_read_back(declared: list[VhostSpec]) -> None:
    natives = {f"v{number}": KIND.render(spec, context()) for number, spec in enumerate(declared)}
    wanted = {name: staged(native) for name, native in natives.items()}
    body, contents = write_file(Wish(wanted, SHAPE, "conduit.conf"), sign)
    found = {name: entry.native for name, entry in contents.owned.items()}
    assert found == {name: {k: v for k, v in native.items() if k != "users"} for name, native in natives.items()}
    assert contents.frame() == {"lines": SHAPE.frame(natives), "unknown": []}
    assert HASH not in body
    again, _ = write_file(Wish(wanted, SHAPE, "conduit.conf", contents.owned), sign)
    assert again == body


@settings(max_examples=40)
@given(values | messages)
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
    native = KIND.render(plain(), context())
    native["http"].insert(1, line)
    with pytest.raises(Refused) as refusal:
        write_file(Wish({"wiki": Wanted(native)}, SHAPE, "conduit.conf"), sign)
    assert refusal.value.blamed == (Key("vhost", "wiki"),)


def test_names_have_no_order_and_claims_are_those_of_routes() -> None:
    spec = plain(names=("b.lan", "*.a.lan"), path="/Admin/")
    assert spec.names == ("*.a.lan", "b.lan")
    assert set(KIND.claims(spec)) == {Claim("route", ("b.lan", "/admin")), Claim("route", ("*.a.lan", "/admin"))}


def test_a_late_certificate_is_rendered_as_late() -> None:
    late = Late(CERTIFICATE.key, "nginx")
    spec = VhostSpec(names=("a.lan",), redirect={"to": "/x"}, certificate=CERTIFICATE.resolved(late))
    assert KIND.render(spec, context())["certificate"]["files"] is late


def test_ten_times_the_vhosts_cost_about_ten_times_the_lines() -> None:
    """Every vhost is looked at a fixed number of times: counted in marks, which each cost a hash."""
    for count in (10, 100):
        signed: list[str] = []

        def counted(name: str, part: str, text: str, signed: list[str] = signed) -> str:
            signed.append(name)
            return sign(name, part, text)

        natives = {f"v{n}": KIND.render(plain(f"v{n}.lan"), context()) for n in range(count)}
        _, contents = write_file(
            Wish({n: Wanted(native) for n, native in natives.items()}, SHAPE, "conduit.conf"), counted
        )
        assert len(signed) == 2 * count
        known = {name: Wanted(entry.native) for name, entry in contents.owned.items()}
        signed.clear()
        write_file(Wish(known, SHAPE, "conduit.conf", contents.owned), counted)
        assert len(signed) == count


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


@pytest.mark.parametrize("native", [None, {}, {"http": []}, {"http": ["location / {"]}, {"names": []}, 7], ids=str)
def test_a_shape_that_is_no_vhost_parses_to_nothing(native: Any) -> None:
    assert KIND.parse(native) is None


def test_a_password_is_in_no_line() -> None:
    native = KIND.render(plain(basic_auth={"ann": HASH}), context())
    assert isinstance(native["users"]["ann"], Hashed)
    assert HASH not in repr(native)


def test_an_empty_file_is_no_vhost_and_no_frame() -> None:
    assert read_file("", "conduit.conf", SHAPE, sign).owned == {}
