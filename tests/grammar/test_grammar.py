"""What each validator accepts and its normal form; whatever it accepts is a fixed point and harmless to a renderer."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from conduit import grammar, measures, upstreams


def punycode(label: str) -> str:
    """Return the A-label of a label by the codec of Python's own library."""
    return f"xn--{label.encode('punycode').decode()}"


ACCEPTED: list[tuple[Callable[[str], Any], str, Any]] = [
    (grammar.name, "wiki", "wiki"),
    (grammar.name, "a" * 63, "a" * 63),
    (grammar.name, "my_wiki-2", "my_wiki-2"),
    (grammar.name, "wiki_-", "wiki_-"),
    (grammar.label_of, "Wiki_-", "wiki"),
    (grammar.label_of, "my_wiki", "my-wiki"),
    (grammar.domain_name, "A.LAN", "a.lan"),
    (grammar.domain_name, "a.lan.", "a.lan"),
    (grammar.domain_name, "_ldap._tcp.a.lan", "_ldap._tcp.a.lan"),
    (grammar.domain_name, "5.1.168.192.in-addr.arpa", "5.1.168.192.in-addr.arpa"),
    (grammar.domain_name, "bücher.lan", "xn--bcher-kva.lan"),
    (grammar.domain_name, "XN--BCHER-KVA.lan", "xn--bcher-kva.lan"),
    (grammar.domain_name, "россия.рф", "xn--h1alffa9f.xn--p1ai"),
    (grammar.domain_name, "ελλάδα.gr", "xn--hxakic4aa.gr"),
    (grammar.domain_name, "日本語カタかな", punycode("日本語カタかな")),
    (grammar.domain_name, "한국.kr", "xn--3e0b707e.kr"),
    (grammar.domain_name, "пример5-а", punycode("пример5-а")),
    (grammar.host_name, "wiki", "wiki"),
    (grammar.host_name, "3com.example", "3com.example"),
    (grammar.port, "65535", 65535),
    (grammar.path, "/", "/"),
    (grammar.path, "/a/b.c/~d/", "/a/b.c/~d/"),
    (grammar.path, "/%7euser/%c3%a9", "/~user/%C3%A9"),
    (grammar.path, "/.well-known/x..y", "/.well-known/x..y"),
    (grammar.path_and_query, "/health?a=1&b=/x", "/health?a=1&b=/x"),
    (grammar.redirect_target, "/new", "/new"),
    (grammar.redirect_target, "https://Example.org:443/a?b", "https://example.org:443/a?b"),
    (grammar.redirect_target, "http://[fd00::1]/", "http://[fd00::1]/"),
    (grammar.redirect_target, "https://10.0.0.1:8443", "https://10.0.0.1:8443"),
    (grammar.header_name, "x-frame-OPTIONS", "X-Frame-Options"),
    (grammar.header_value, "max-age=1; a, b", "max-age=1; a, b"),
    (grammar.header_value, "", ""),
    (grammar.plain_text, "Zurück um 12 Uhr", "Zurück um 12 Uhr"),
    (grammar.cidr, "10.0.0.0/8", "10.0.0.0/8"),
    (grammar.cidr, "10.0.0.1", "10.0.0.1/32"),
    (grammar.cidr, "FD00::/8", "fd00::/8"),
    (grammar.cidr, "0.0.0.0/0", "0.0.0.0/0"),
    (grammar.address, "10.0.0.255", "10.0.0.255"),
    (grammar.address, "FD00:0:0::1", "fd00::1"),
    (grammar.user_name, "ann@example.org", "ann@example.org"),
    (grammar.bcrypt_hash, "$2y$12$" + "a" * 53, "$2y$12$" + "a" * 53),
    (measures.duration, "500ms", 0.5),
    (measures.duration, "90d", 90 * 86400),
    (measures.size, "512KiB", 512 * 1024),
    (measures.size, "10", 10),
    (grammar.split_host_port, "App.Internal.:80", ("app.internal", 80)),
    (grammar.split_host_port, "[FD00::1]:443", ("fd00::1", 443)),
    (upstreams.normal, "[FD00:0::1]:443", "[fd00::1]:443"),
    (upstreams.normal, "10.0.0.5:3000", "10.0.0.5:3000"),
]

TEXT_TO_TEXT = [
    grammar.name,
    grammar.domain_name,
    grammar.host_name,
    grammar.path,
    grammar.path_and_query,
    grammar.redirect_target,
    grammar.header_name,
    grammar.header_value,
    grammar.plain_text,
    grammar.cidr,
    grammar.address,
    grammar.user_name,
    grammar.bcrypt_hash,
    upstreams.normal,
]
SPACED = {grammar.plain_text, grammar.header_value}
UNICODE = {grammar.plain_text}

PIECES = (
    *["a", "B", "xn--", "bcher-kva", "ü", "я", "ο", ".", "..", "-", "_", "/", "//", ":", "80", "10.0.0.1", "[", "]"],
    *["::1", "%", "%2f", "%7e", "%c3", "?", "#", "@", "{", "}", "$", " ", "\n", "\r", "\0", "\x85", "\u2028", "\u202e"],
    *["http://", "https://", "0x", "²", "①", "٣", "ﬀ", "\u212a", ";", '"', "'", "\\", "*", "e\u0301", "/8", "fe80"],
)
texts = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(alphabet=string.ascii_lowercase + string.digits + "-._/:[]%", max_size=40),
)


@pytest.mark.parametrize(("validate", "text", "normal"), ACCEPTED)
def test_the_normal_form(validate: Callable[[str], Any], text: str, normal: Any) -> None:
    assert validate(text) == normal


@pytest.mark.parametrize("validate", TEXT_TO_TEXT)
@given(text=texts)
@example("/%2565")
@example("a" * 300)
@example("https://a.lan/%7E?%41")
def test_an_accepted_text_is_harmless_and_a_fixed_point(validate: Callable[[str], str], text: str) -> None:
    try:
        normal = validate(text)
    except ValueError:
        return
    assert validate(normal) == normal
    assert normal.isprintable()
    assert not set("{}") & set(normal)
    assert validate in UNICODE or normal.isascii()
    assert validate in SPACED or not any(character.isspace() for character in normal)


def refusal(validate: Callable[[str], Any], text: str) -> str:
    """Return the message a text is refused with; empty when it is accepted."""
    try:
        validate(text)
    except ValueError as refused:
        return str(refused)
    return ""


@given(texts)
def test_no_validator_fails_other_than_by_refusing_in_plain_words(text: str) -> None:
    for validate in (grammar.port, measures.duration, measures.size, grammar.split_host_port, *TEXT_TO_TEXT):
        assert refusal(validate, text).isprintable()


@given(st.integers(1, 65535), st.one_of(st.ip_addresses(), st.just("app.internal")))
def test_host_and_port_survive_splitting_and_joining(port: int, host: Any) -> None:
    assume(not getattr(host, "ipv4_mapped", None))
    text = grammar.join_host_port(str(host), port)
    assert grammar.split_host_port(text) == (str(host), port)


def test_a_message_shows_hostile_text_without_its_control_characters() -> None:
    assert grammar.shown("a\x1b[31m\u202eb") == '"a\\x1b[31m\\u202eb"'
    assert len(grammar.shown("a" * 1000)) < 70


@pytest.mark.parametrize("text", ["300.1.1.1:80", "127.1:80", "0x7f000001:80", "2130706433:80", "a.5:80"])
def test_what_can_only_be_a_wrong_address_is_called_one(text: str) -> None:
    """Regression: it was said that it cannot be the name of a site, of an upstream."""
    with pytest.raises(ValueError, match=r"is no address; write one such as 10\.0\.0\.1"):
        grammar.split_host_port(text)
