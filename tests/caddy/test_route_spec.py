"""The route kind without a daemon: what a spec accepts, and that its native form says all of it and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from caddy_world import KIND, plain
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from conduit.kind import Context
from conduit.model import Claim, Key, Late, Ref, Secret
from conduit.providers.caddy_route import HOSTS_PER_MATCHER
from conduit.resources.route_spec import RouteSpec
from conduit.settings import Settings
from tests.proxy_world import keyed

HASH = "$2b$10$" + "abcdefghijklmnopqrstuv" + "0123456789012345678901234567890"
PAIR = {"certificate": "/certs/wiki-1.crt", "key": "/certs/wiki-1.key"}
CERTIFICATE = Ref(Key("certificate", "wiki"), "caddy", PAIR)


def context(*features: str, https: str = ":443") -> Context:
    settings = Settings.model_validate({"caddy": {"https": [https]}})
    return Context(settings, 0.0, features=frozenset(features), fingerprint=lambda text: keyed("fingerprint", text))


def labels(size: int = 8) -> st.SearchStrategy[str]:
    return st.from_regex(rf"[a-z]([a-z0-9-]{{0,{size}}}[a-z0-9])?", fullmatch=True)


hosts = st.builds(lambda star, name: f"{star}{name}.lan", st.sampled_from(["", "*."]), labels())
times = st.builds(lambda n, unit: f"{n}{unit}", st.integers(1, 5000), st.sampled_from(["ms", "s", "m", "h", "d"]))
networks = st.sampled_from(["10.0.0.0/8", "192.168.1.1", "fd00::/8", "0.0.0.0/0", "203.0.113.0/24"])
texts = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126, exclude_characters="{}"), max_size=30)
values = texts.map(str.strip)
names = st.from_regex(r"X-[A-Z][a-z]{0,8}", fullmatch=True)
passwords = st.one_of(st.just(HASH), st.builds(Secret, labels()))
statuses = st.one_of(st.integers(100, 599), st.sampled_from(["1xx", "2xx", "3xx", "4xx", "5xx"]))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


headers = st.dictionaries(names, st.none() | values, max_size=3)
upstreams = st.fixed_dictionaries(
    {
        "address": st.builds(
            lambda host, port: f"{host}:{port}", st.sampled_from(["10.0.0.5", "[fd00::5]"]), st.integers(1, 65535)
        )
    },
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
        request_headers=headers,
        max_body=st.builds(
            lambda n, unit: f"{n}{unit}", st.integers(1, 9999), st.sampled_from(["B", "KB", "MiB", "GB"])
        ),
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
        lambda text, n: {"maintenance": {"message": text, "retry_after": f"{n}s"}}, texts, st.integers(1, 10**6 - 1)
    ),
)
paths = st.one_of(
    st.just({}),
    st.builds(lambda name, strip: {"path": f"/{name}", "strip_prefix": strip}, labels(), st.booleans()),
)
transports = st.one_of(
    st.just({"tls": False}), st.builds(lambda on: {"certificate": CERTIFICATE, "https_redirect": on}, st.booleans())
)


@st.composite
def specs(draw: st.DrawFn) -> RouteSpec:
    fields = {"names": draw(st.lists(hosts, min_size=1, max_size=5, unique=True))}
    answer = draw(st.one_of(proxied, redirects, down))
    place = draw(paths)
    if "upstreams" not in answer:
        place = {"path": place.get("path", "/")}
    return RouteSpec.model_validate(fields | answer | place | draw(guards) | draw(transports))


@given(specs(), st.booleans(), st.sampled_from([":443", "127.0.0.1:8443"]))
def test_parse_of_render_is_the_spec(spec: RouteSpec, delayed: bool, https: str) -> None:
    ctx = context(*(["stream_close_delay"] if delayed else []), https=https)
    native = KIND.render(spec, ctx)
    assert KIND.parse(native) == spec
    assert KIND.render(spec, ctx) == native


@given(specs(), specs())
def test_different_specs_differ_natively(one: RouteSpec, other: RouteSpec) -> None:
    assert (KIND.render(one, context()) == KIND.render(other, context())) == (one == other)


@given(specs())
def test_the_native_form_is_json_once_secrets_are_known(spec: RouteSpec) -> None:
    native = KIND.render(spec, context())
    text = json.dumps(native, default=str)
    assert HASH not in text


def test_more_hosts_than_caddy_compares_one_by_one_are_split() -> None:
    many = tuple(f"h{number}.lan" for number in range(2 * HOSTS_PER_MATCHER + 1))
    spec = RouteSpec.model_validate({"names": many, "upstreams": [{"address": "10.0.0.5:80"}], "tls": False})
    native = KIND.render(spec, context())
    assert [len(matcher["host"]) for matcher in native["http"]["match"]] == [100, 100, 1]
    assert KIND.parse(native) == spec


def test_a_late_certificate_is_rendered_as_late() -> None:
    late = Late(CERTIFICATE.key, "caddy")
    spec = RouteSpec(names=("a.lan",), redirect={"to": "/x"}, certificate=CERTIFICATE.resolved(late))
    assert KIND.render(spec, context())["certificate"]["files"] is late


def test_claims_are_each_host_with_the_path_in_lower_case() -> None:
    spec = plain(names=("a.lan", "*.b.lan"), path="/Admin/")
    assert spec.path == "/Admin"
    assert set(KIND.claims(spec)) == {Claim("route", ("a.lan", "/admin")), Claim("route", ("*.b.lan", "/admin"))}


@pytest.mark.parametrize(
    ("field", "written", "normal"),
    [
        ("max_body", "1000KB", "1MB"),
        ("max_body", "1024KiB", "1MiB"),
        ("max_body", "7", "7B"),
        ("names", ["WIKI.Lan.", "*.Bücher.example"], ("wiki.lan", "*.xn--bcher-kva.example")),
        ("path", "/a/", "/a"),
        ("deny", ["10.0.0.1"], ("10.0.0.1/32",)),
        ("request_headers", {"x-a": "b"}, {"X-A": "b"}),
        ("timeouts", {}, None),
    ],
)
def test_values_have_one_normal_form(field: str, written: Any, normal: Any) -> None:
    assert getattr(plain(**{field: written}), field) == normal


def test_equal_times_are_equal_text() -> None:
    assert plain(timeouts={"connect": "60s"}) == plain(timeouts={"connect": "1m"})


PLACEHOLDERS = [
    "{env.CONDUIT_KEY}",
    "{file./etc/hostname}",
    "{http.request.header.Cookie}",
    "{system.hostname}",
    "a}b",
    "{",
]


@pytest.mark.parametrize("text", PLACEHOLDERS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: {"response_headers": {"X-A": text}},
        lambda text: {"request_headers": {"X-A": text}},
        lambda text: {"request_headers": {text: "x"}},
        lambda text: {"response_headers": {text: None}},
        lambda text: {"redirect": {"to": f"https://x.lan/{text}"}},
        lambda text: {"redirect": {"to": f"https://{text}/"}},
        lambda text: {"maintenance": {"message": text}},
        lambda text: {"names": [text]},
        lambda text: {"names": [f"*.{text}"]},
        lambda text: {"path": f"/{text}"},
        lambda text: {"health": {"path": f"/{text}"}},
        lambda text: {"basic_auth": {text: HASH}},
        lambda text: {"basic_auth": {"a": text}},
        lambda text: {"allow": [text]},
        lambda text: {"upstreams": [{"address": f"{text}:80"}]},
        lambda text: {"max_body": text},
        lambda text: {"timeouts": {"read": text}},
    ],
)
def test_no_user_text_holds_a_placeholder(wrap: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        plain(**wrap(text))


@pytest.mark.parametrize(
    "fields",
    [
        {"names": []},
        {"names": ["a.lan", "A.lan"]},
        {"names": ["*.*.lan"]},
        {"names": ["*"]},
        {"names": ["a.*.lan"]},
        {"names": ["a.lan:80"]},
        {"names": ["127.0.0.1"]},
        {"path": "/a*"},
        {"path": "/%61dmin/%2e%2e"},
        {"path": "/a%20b"},
        {"path": "//a"},
        {"path": "/a/../b"},
        {"strip_prefix": True},
        {"upstreams": []},
        {"upstreams": [{"address": "wiki.lan:80"}]},
        {"upstreams": [{"address": "169.254.169.254:80"}]},
        {"upstreams": [{"address": "[::ffff:169.254.169.254]:80"}]},
        {"upstreams": [{"address": "0.0.0.0:80"}]},
        {"upstreams": [{"address": "127.1:80"}]},
        {"upstreams": [{"address": "10.0.0.1:80", "weight": 0}]},
        {"redirect": {"to": "https://x.lan"}, "maintenance": True},
        {"redirect": {"to": "https://x.lan"}, "health": {}},
        {"redirect": {"to": "javascript:alert(1)"}},
        {"redirect": {"to": "https://x.lan\r\nSet-Cookie: a=b"}},
        {"redirect": {"to": "https://x.lan", "status": 303}},
        {"redirect": {"to": "https://x.lan/?a", "keep_path": True}},
        {"request_headers": {"X-A": "a\r\nX-B: b"}},
        {"request_headers": {"X-A": "a", "x-a": "b"}},
        {"request_headers": {"X-*": None}},
        {"request_headers": {"Transfer-Encoding": "chunked"}},
        {"response_headers": {"content-length": "0"}},
        {"basic_auth": {}},
        {"basic_auth": {"a": "plaintext"}},
        {"basic_auth": {"a:b": HASH}},
        {"allow": []},
        {"allow": ["10.0.0.1/8"]},
        {"max_body": "0"},
        {"max_body": 10},
        {"timeouts": {"connect": "0s"}},
        {"maintenance": {"retry_after": "500ms"}},
        {"tls": True},
        {"certificate": "wiki"},
        {"https_redirect": False},
    ],
    ids=str,
)
def test_what_cannot_be_meant_or_is_dangerous_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        plain(**fields)


@pytest.mark.parametrize(
    "native", [None, {}, {"http": {}}, {"http": {"match": 7}}, {"https": []}, 7, {"http": None}], ids=str
)
def test_a_shape_that_is_no_route_parses_to_nothing(native: Any) -> None:
    assert KIND.parse(native) is None
