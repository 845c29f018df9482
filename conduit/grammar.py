"""The grammar of user text: one validator per sort of value, used by YAML, CLI, API and restore alike. Pure.

Each function takes text, returns its normal form, and raises ValueError with words a person can act on. Nothing that
reaches a renderer is plain text: it went through one of these. Patterns are ASCII and matched whole, because
`$`, `\\d` and `isdigit` accept more than they seem to.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
PATH = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
DURATION = re.compile(r"([0-9]{1,6})(ms|s|m|h|d)", re.ASCII)
SIZE = re.compile(r"([0-9]{1,9})(B|KB|MB|GB|KiB|MiB|GiB)?", re.ASCII)

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def name(text: str) -> str:
    """A resource name: 1 to 63 of a-z, 0-9, `-` and `_`, not beginning or ending with a sign."""
    if not NAME.fullmatch(text):
        raise ValueError("use 1 to 63 of a-z, 0-9, - and _; begin and end with a letter or digit")
    return text


def label_of(resource_name: str) -> str:
    """Return the DNS label of a resource name: lower case, `_` as `-`."""
    return resource_name.lower().replace("_", "-")


def domain_name(text: str) -> str:
    """A DNS name in lower-case A-label form (RFC 1035, RFC 5890); a trailing dot is dropped."""
    ascii_name = _to_ascii(text.removesuffix("."))
    labels = ascii_name.split(".")
    if not ascii_name or len(ascii_name) > 253:
        raise ValueError("a domain name has 1 to 253 characters")
    for label in labels:
        if not LABEL.fullmatch(label):
            raise ValueError(f'"{label}" is not a DNS label: 1 to 63 of a-z, 0-9, - and _')
    return ascii_name


def host_name(text: str) -> str:
    """A domain name a site may be served under: letters, digits and hyphens, no underscore, not an address."""
    host = domain_name(text)
    if "_" in host or host == "localhost" or host.split(".")[-1].isdigit():
        raise ValueError(f'"{host}" cannot be the name of a site')
    return host


def _to_ascii(text: str) -> str:
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    import idna

    try:
        return idna.encode(lowered, uts46=False, std3_rules=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"not a valid international domain name: {error}") from None


def port(text: str) -> int:
    """A TCP or UDP port, 1 to 65535, in plain decimal digits."""
    if not PORT.fullmatch(text) or int(text) > 65535:
        raise ValueError("a port is a number from 1 to 65535")
    return int(text)


def path(text: str) -> str:
    """A URL path (RFC 3986): begins with one `/`, no `.` or `..` segment, no query, at most 1,024 characters."""
    if len(text) > 1024 or not PATH.fullmatch(text) or text.startswith("//"):
        raise ValueError("a path begins with one / and holds URL characters only; encode others as %XX")
    if any(segment in (".", "..") for segment in text.split("/")):
        raise ValueError("a path has no . or .. segments")
    return text


def header_name(text: str) -> str:
    """An HTTP field name (RFC 9110 section 5.1)."""
    if not TOKEN.fullmatch(text) or len(text) > 128:
        raise ValueError("a header name holds letters, digits and -")
    return text


def plain_text(text: str) -> str:
    """One line of printable text without `{` and `}`, which proxies expand as placeholders."""
    if len(text) > 2048 or not text.isprintable():
        raise ValueError("use one line of printable characters, at most 2,048")
    if "{" in text or "}" in text:
        raise ValueError("{ and } are refused: the proxy would expand what is between them, files and environment too")
    return text


def cidr(text: str) -> str:
    """An address range without host bits, or one address (RFC 4632)."""
    if not text.isascii():
        raise ValueError("write an address range such as 10.0.0.0/8")
    return str(ip_network(text, strict=True))


def address(text: str) -> str:
    """An IPv4 or IPv6 address in its shortest form; no zone, no short or octal spelling."""
    if not text.isascii() or "%" in text:
        raise ValueError("write an address such as 10.0.0.1 or fd00::1")
    return str(ip_address(text))


def duration(text: str) -> float:
    """A duration such as `500ms`, `10s`, `5m`, `1h`, `90d`, in seconds."""
    match = DURATION.fullmatch(text)
    if not match:
        raise ValueError("write a duration such as 500ms, 10s, 5m, 1h or 90d")
    return int(match[1]) * _SECONDS[match[2]]


def size(text: str) -> int:
    """A size such as `512KiB` or `10MB`, in bytes."""
    match = SIZE.fullmatch(text)
    if not match:
        raise ValueError("write a size such as 512KiB or 10MB")
    return int(match[1]) * _BYTES[match[2] or ""]


def split_host_port(text: str) -> tuple[str, int]:
    """Split `host:port` or `[v6]:port`; the host is an address or a domain name in normal form."""
    host, colon, tail = text.rpartition(":")
    if not colon:
        raise ValueError("write host:port, for example 10.0.0.5:3000")
    number = port(tail)
    if host.startswith("[") and host.endswith("]"):
        return str(IPv6Address(address(host[1:-1]))), number
    if host.replace(".", "").isdigit():
        return str(IPv4Address(host)), number
    return host_name(host), number
