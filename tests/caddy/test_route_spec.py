"""The route kind without a daemon: what a spec accepts, and what its native form is for Caddy alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from caddy_world import KIND, plain
from hypothesis import given
from pydantic import ValidationError

from conduit.providers.caddy_route import HOSTS_PER_MATCHER, Dialect, build
from conduit.providers.caddy_upstreams import shares
from conduit.resources.route_spec import RouteSpec
from tests.proxies.site_specs import CADDY, HASH, SPECS


@given(SPECS["caddy"])
def test_the_native_form_is_json_once_secrets_are_known(spec: RouteSpec) -> None:
    native = KIND.render(spec, CADDY.context())
    text = json.dumps(native, default=str)
    assert HASH not in text


def test_more_hosts_than_caddy_compares_one_by_one_are_split() -> None:
    many = tuple(f"h{number}.lan" for number in range(2 * HOSTS_PER_MATCHER + 1))
    spec = RouteSpec.model_validate({"names": many, "upstreams": [{"address": "10.0.0.5:80"}], "tls": False})
    native = KIND.render(spec, CADDY.context())
    assert [len(matcher["host"]) for matcher in native["http"]["match"]] == [100, 100, 1]
    assert KIND.parse(native) == spec


@pytest.mark.parametrize(
    "fields",
    [
        {"timeouts": {"read": "9s"}},
        {"health": {"path": "/up"}},
        {"websockets": False},
        {"upstreams": [{"address": "10.0.0.5:80", "weight": 2}]},
        {"upstreams": [{"address": "10.0.0.5:80"}, {"address": "10.0.0.6:80"}]},
        {"upstream_tls": {}},
    ],
)
def test_only_what_is_just_an_upstream_shares_a_handler(fields: dict[str, Any]) -> None:
    def shared(spec: RouteSpec, dialect: Dialect) -> bool:
        return shares(build(spec, dialect, lambda user, value: value)["http"])

    assert shared(plain(), Dialect(shared=True))
    assert not shared(plain(), Dialect(shared=False, stream_close_delay=True))
    assert not shared(plain(**fields), Dialect(shared=True))


@pytest.mark.parametrize("fields", [{}, {"stream_close_delay": "5m"}])
def test_a_handler_of_its_own_reads_as_the_shared_one_does(fields: dict[str, Any]) -> None:
    """A route that another hand wrote, or an older conduit, is told in fields."""
    native = build(plain(), Dialect(shared=True), lambda user, value: value)
    own = {"handler": "reverse_proxy", "upstreams": [{"dial": "127.0.0.1:1"}], **fields}
    assert KIND.parse({"http": native["http"] | {"handle": [own]}}) == plain() == KIND.parse(native)


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
