"""The grammar of user text: one validator per sort of value, used by YAML, CLI, API and restore alike. Pure.

Each function takes text, returns its normal form, and raises ValueError with words a person can act on. Nothing that
reaches a renderer is plain text: it went through one of these. Patterns are ASCII and matched whole, because
`$`, `\\d` and `isdigit` accept more than they seem to. The normal form of a normal form is itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from conduit.patterns import pattern

_LABEL = r"(?:[a-z0-9]|_(?=[a-z0-9]))(?:[a-z0-9_-]{0,61}[a-z0-9])?"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PATH = r"/(?:[A-Za-z0-9._~!&+,=:@/-]|%[0-9A-Fa-f]{2})*"

NAME = pattern(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
LEAF_NAME = pattern(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9_-])?", re.ASCII)
"""The name of a leaf; one that a composite made may hold dots, so that no declared name is ever the same."""
LABEL = pattern(_LABEL, re.ASCII)
DOMAIN = pattern(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
DOTTED_QUAD = pattern(rf"{_OCTET}(?:\.{_OCTET}){{3}}", re.ASCII)
NUMBER = pattern(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
FIELD = pattern(r"[A-Za-z][A-Za-z0-9_-]{0,127}", re.ASCII)
FIELD_VALUE = pattern(r"(?:[!-z|~](?:[ -z|~]{0,2046}[!-z|~])?)?", re.ASCII)
PORT = pattern(r"[1-9][0-9]{0,4}", re.ASCII)
PATH = pattern(_PATH, re.ASCII)
QUERY = pattern(r"(?:[A-Za-z0-9._~!&+,=:@/?-]|%[0-9A-Fa-f]{2})*", re.ASCII)
ESCAPE = pattern(r"%[0-9A-Fa-f]{2}", re.ASCII)
USER = pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,62}[A-Za-z0-9])?", re.ASCII)
BCRYPT = pattern(r"\$2[aby]\$(?:1[0-6])\$[./A-Za-z0-9]{53}", re.ASCII)

FRAMING: Final = frozenset(
    ("Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade")
)
"""Headers that delimit a message or belong to one hop (RFC 9110 section 7.6.1): the proxy's alone."""

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~")


def name(text: str) -> str:
    """A resource name: 1 to 63 of a-z, 0-9, `-` and `_`, not beginning with a sign."""
    if not NAME.fullmatch(text) or text.startswith("xn--"):
        raise ValueError("use 1 to 63 of a-z, 0-9, - and _; begin with a letter or digit")
    return text


def label_of(resource_name: str) -> str:
    """Return the DNS label of a resource name: lower case, `_` as `-`, and none at its end (RFC 1123 section 2.1)."""
    return resource_name.lower().replace("_", "-").rstrip("-")


def domain_name(text: str) -> str:
    """A DNS name in lower-case A-label form (RFC 1035, RFC 5890); a trailing dot is dropped."""
    if "://" in text:
        raise ValueError("write the name alone, without a scheme or a path")
    ascii_name = _to_ascii(text.removesuffix("."))
    if not 1 <= len(ascii_name) <= 253:
        raise ValueError("a domain name has 1 to 253 characters")
    if not DOMAIN.fullmatch(ascii_name):
        bad = next((label for label in ascii_name.split(".") if not LABEL.fullmatch(label)), ascii_name)
        raise ValueError(f"{shown(bad)} is not a DNS label: 1 to 63 of a-z, 0-9, - and _")
    return ascii_name


def host_name(text: str) -> str:
    """A domain name a site may be served under: letters, digits and hyphens, no underscore, nothing like an address."""
    host = domain_name(text)
    last = host.rpartition(".")[2]
    if "_" in host:
        raise ValueError(f"{shown(host)} cannot be the name of a site: _ is not allowed there")
    if last == "localhost" or NUMBER.fullmatch(last):
        raise ValueError(f"{shown(host)} cannot be the name of a site: write a name, not an address or localhost")
    return host


def _to_ascii(text: str) -> str:
    if text.isascii() and "xn--" not in (lowered := text.lower()):
        return lowered
    from conduit.idn import to_ascii

    try:
        return to_ascii("".join(c.lower() if c.isascii() else c for c in text))
    except ValueError as error:
        raise ValueError(f"{shown(text)} {error}") from None


def shown(text: str) -> str:
    """Return user text safe to print in a message: quoted, at most 60 characters, nothing unprintable raw."""
    cut = text if len(text) <= 60 else f"{text[:60]}..."
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut) + '"'


def port(text: str) -> int:
    """A TCP or UDP port, 1 to 65535, in plain decimal digits."""
    if not PORT.fullmatch(text) or int(text) > 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return int(text)


def path(text: str) -> str:
    """A URL path (RFC 3986): begins with one `/`, no empty, `.` or `..` segment, no query, at most 1,024 characters.

    Escapes of unreserved characters are undone and others written in capitals, so that equal paths are equal text.
    """
    if len(text) > 1024 or not PATH.fullmatch(text):
        raise ValueError("a path begins with one / and holds letters, digits and ._~!&+,=:@-; encode others as %XX")
    if "%" in text:
        text = ESCAPE.sub(_plain_escape, text)
    if "//" in text:
        raise ValueError("a path has no empty segment: write / once")
    if "/." in text and any(segment in (".", "..") for segment in text.split("/")):
        raise ValueError("a path has no . or .. segments")
    return text


def _plain_escape(match: re.Match[str]) -> str:
    """Return an escape in normal form; refuse the ones that servers read as the end of something."""
    character = chr(int(match[0][1:], 16))
    if character < " " or character in "\x7f./\\":
        raise ValueError(f"the escape {match[0]} is refused: servers do not agree on what it means")
    return character if character in _UNRESERVED else match[0].upper()


def path_and_query(text: str) -> str:
    """A URL path, and perhaps `?` and a query: what a health check asks for."""
    head, question, query = text.partition("?")
    if len(query) > 1024 or not QUERY.fullmatch(query):
        raise ValueError("a query holds letters, digits and ._~!&+,=:@/?-; encode others as %XX")
    return path(head) + question + ESCAPE.sub(_plain_escape, query)


def redirect_target(text: str) -> str:
    """Where a redirect goes: an absolute http or https URL without user and password, or a path on the same site."""
    if text.startswith("/"):
        return path_and_query(text)
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in ("http", "https"):
        raise ValueError("write a URL such as https://example.org/new, or a path such as /new")
    authority, slash, tail = rest.partition("/")
    return f"{scheme}://{_authority(authority)}" + (path_and_query(f"/{tail}") if slash else "")


def _authority(text: str) -> str:
    """Return `host` or `host:port` of a URL in normal form; the host is a site's name or an address."""
    if ":" in text.rpartition("]")[2]:
        return join_host_port(*split_host_port(text))
    return join_host_port(*split_host_port(f"{text}:80")).removesuffix(":80")


def header_name(text: str) -> str:
    """An HTTP field name in its usual capitals; headers that delimit a message are the proxy's alone."""
    if not FIELD.fullmatch(text):
        raise ValueError("a header name holds letters, digits, - and _ and begins with a letter")
    usual = "-".join(part.capitalize() for part in text.split("-"))
    if usual in FRAMING:
        raise ValueError(f"the proxy itself sets {usual}; it cannot be changed")
    return usual


def header_value(text: str) -> str:
    """An HTTP field value (RFC 9110 section 5.5): visible ASCII and inner spaces, without `{` and `}`."""
    if not FIELD_VALUE.fullmatch(text):
        raise ValueError("a header value is at most 2,048 visible ASCII characters, without { and }")
    return text


def plain_text(text: str) -> str:
    """One line of printable text without `{` and `}`, which proxies expand as placeholders."""
    if len(text) > 2048 or not text.isprintable():
        raise ValueError("use one line of printable characters, at most 2,048")
    if "{" in text or "}" in text:
        raise ValueError("{ and } are refused: the proxy would expand what is between them, files and environment too")
    return text


def user_name(text: str) -> str:
    """A user of basic authentication: 1 to 64 of letters, digits and `._@+-`; RFC 7617 forbids a colon."""
    if not USER.fullmatch(text):
        raise ValueError("a user name is 1 to 64 letters, digits and ._@+- between a letter or digit at both ends")
    return text


def bcrypt_hash(text: str) -> str:
    """A bcrypt hash of cost 10 to 16: less is guessed, more lets a few requests hold the proxy's processors."""
    if not BCRYPT.fullmatch(text):
        raise ValueError("write a bcrypt hash of cost 10 to 16 (caddy hash-password makes one)")
    return text


def cidr(text: str) -> str:
    """An address range without host bits, or one address (RFC 4632); always written with its length."""
    base, slash, length = text.partition("/")
    if not text.isascii() or "%" in text or (slash and not re.fullmatch("0|[1-9][0-9]{0,2}", length, re.ASCII)):
        raise ValueError("write an address range such as 10.0.0.0/8")
    address(base)
    found = ip_network(text, strict=False)
    if found.network_address != ip_address(base):
        raise ValueError(f"{text} is one address and the length of a range; write {found} or {base}")
    return str(found)


def address(text: str) -> str:
    """An IPv4 or IPv6 address in its shortest form; no zone, no short, octal or IPv4-mapped spelling."""
    if DOTTED_QUAD.fullmatch(text):
        return text
    if not text.isascii() or "%" in text:
        raise ValueError("write an address such as 10.0.0.1 or fd00::1")
    try:
        found = ip_address(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is no address; write one such as 10.0.0.1 or fd00::1") from None
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        raise ValueError(f"write the IPv4 address itself: {found.ipv4_mapped}")
    return str(found)


@lru_cache(maxsize=1 << 16)
def split_host_port(text: str) -> tuple[str, int]:
    """Split `host:port` or `[v6]:port`; the host is an address or a site's name, in normal form."""
    host, colon, tail = text.rpartition(":")
    if not colon:
        raise ValueError("write host:port, for example 10.0.0.5:3000")
    number = port(tail)
    if DOTTED_QUAD.fullmatch(host):
        return host, number
    if host.startswith("[") and host.endswith("]"):
        found = address(host[1:-1])
        if ":" not in found:
            raise ValueError("[ and ] are for IPv6 addresses")
        return found, number
    if NUMBER.fullmatch(host.rpartition(".")[2]):
        return address(host), number
    return host_name(host), number


def join_host_port(host: str, number: int) -> str:
    """Write an address or name and a port as `host:port`, IPv6 in brackets; the reverse of `split_host_port`."""
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"
