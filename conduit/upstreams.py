"""Which addresses a service may be sent to. Pure: names are resolved by a function the caller gives.

An upstream is checked as the address that is connected to, never as the text it was written as: a name that resolves to
a metadata service is refused like the address itself, and the proxy is given the address that was checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from msgspec import Struct

from conduit.errors import Code
from conduit.grammar import DOTTED_QUAD, PORT, join_host_port, split_host_port
from conduit.settings import Settings

Address = IPv4Address | IPv6Address

Resolve = Callable[[str], Sequence[str]]
"""Returns the addresses of a name in text form. Raises OSError (TimeoutError is one) when there is no answer."""

METADATA: Final = frozenset(("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254"))
"""Where clouds serve credentials to whoever asks; the last three lie outside the link-local ranges."""

ADMIN_PORTS: Final = frozenset((2019, 2375, 2376))
"""Caddy's default admin port and Docker's API: never behind a proxy on this machine."""

LOOPBACK: Final = "loopback"

REFUSED_UPSTREAM = Code(
    "CND-0321",
    "an upstream that must not be proxied to",
    "Sending visitors to this address would hand them something that is not meant for them: a cloud's credentials, a "
    "daemon's control port, this machine itself. For a name, each address it resolves to is checked, and the proxy is "
    "given these addresses. Use another address; loopback alone can be allowed, with `upstreams: {allow_loopback: "
    "true}` in conduit.yaml.",
)
UNKNOWN_UPSTREAM = Code(
    "CND-0322",
    "an upstream's name does not resolve",
    "Names of upstreams are resolved when a plan is made, with the resolver of this machine and within 2 s. Without an "
    "address nobody knows what the site's route should be: it is UNKNOWN, stays as it is, and the rest goes on. "
    "Correct the name, start what answers it, or write the address.",
)

_NAT64: Final = IPv6Network("64:ff9b::/96")
_THIS_NETWORK: Final = IPv4Network("0.0.0.0/8")
_ORDINARY: Final = ("10.", "192.168.")
WILDCARDS: Final = frozenset(("", "*", "0.0.0.0", "::"))  # noqa: S104 - names what is meant, binds nothing
LISTENERS: Final = ("admin", "address", "listen", "http", "https", "marker")


class Rules(Struct, frozen=True):
    """What this site refuses: loopback unless allowed, and the (address, port) pairs of its own daemons.

    A pair with an empty address stands for that port on loopback and on the proxy's address.
    """

    allow_loopback: bool
    proxy_address: str
    own: frozenset[tuple[str, int]]
    allowed: tuple[str, ...] = ()
    """Names and blocks of addresses; when there are any, nothing else is an upstream."""

    def named(self, host: str) -> bool:
        """Whether a name is allowed as such, whatever addresses it has."""
        return host in self.allowed

    def check(self, host: str, port: int, *, named: bool = False) -> None:
        """Refuse an address that must never be proxied to. Raises ValueError saying which and why.

        `named` tells that it belongs to a name that is allowed as such.
        """
        sort = sort_of(host)
        if sort not in ("", LOOPBACK):
            raise ValueError(f"{host} is {sort}: never an upstream")
        local = sort == LOOPBACK or host == self.proxy_address
        if (host, port) in self.own or (local and (port in ADMIN_PORTS or ("", port) in self.own)):
            raise ValueError(f"{join_host_port(host, port)} is a port of conduit itself or of a daemon it drives")
        if self.allowed and not named and not any(_in(host, block) for block in self.allowed):
            raise ValueError(f"{host} is not among upstreams: allow: in conduit.yaml")
        if sort == LOOPBACK and not self.allow_loopback:
            raise ValueError(f"{host} is this machine itself; set upstreams: {{allow_loopback: true}} to allow it")


def rules_of(settings: Settings) -> Rules:
    """Return the rules of a site: its `upstreams` setting, where its daemons listen, and where its API does."""
    values = (v for s in settings.sections.values() if isinstance(s, dict) for k in LISTENERS for v in _texts(s.get(k)))
    api = join_host_port(settings.api.host, settings.api.port)
    own = frozenset(pair for value in (api, *values) if (pair := listener(value)))
    return Rules(settings.upstreams.allow_loopback, settings.proxy_address, own, settings.upstreams.allow)


def _texts(value: Any) -> Iterable[str]:
    return (v for v in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(v, str))


def listener(text: str, default_port: int = 53) -> tuple[str, int] | None:
    """Read a listener of a settings section: `host:port`, `host#port`, `:port` or a bare IPv4 address.

    A wildcard host is returned empty. Returns None for anything else, such as a unix socket.
    """
    host, separator, port = text.replace("#", ":").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if separator and PORT.fullmatch(port):
        return ("" if host in WILDCARDS else host), int(port)
    return (text, default_port) if DOTTED_QUAD.fullmatch(text) else None


@lru_cache(maxsize=4096)
def sort_of(host: str) -> str:
    """Return what is wrong with an address in normal form: nothing, `LOOPBACK`, or why it is refused everywhere."""
    if host.startswith(_ORDINARY):
        return ""
    return next((sort for address in _forms(ip_address(host)) if (sort := _sort(address))), "")


def _sort(address: Address) -> str:
    if str(address) in METADATA:
        return "a metadata service"
    if address.is_loopback:
        return LOOPBACK
    if address.is_link_local:
        return "link-local"
    if address.is_unspecified or (isinstance(address, IPv4Address) and address in _THIS_NETWORK):
        return "unspecified"
    if address.is_multicast:
        return "multicast"
    return "reserved" if isinstance(address, IPv4Address) and address.is_reserved else ""


def _forms(address: Address) -> Iterable[Address]:
    """Yield an address and the IPv4 address it carries inside, if any: a router or the kernel may deliver there."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and (address in _NAT64 or 1 < int(address) < 2**32):
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            yield inner
    yield address


def normal(text: str) -> str:
    """Return `host:port` in normal form, for a spec. Raises ValueError; says so when it is a URL or a socket."""
    if "/" in text or text.startswith("unix:"):
        raise ValueError("write host:port without a scheme, path or socket, for example 10.0.0.5:3000")
    if "@" in text or "%" in text:
        raise ValueError("write host:port without a user, password or zone, for example 10.0.0.5:3000")
    if text.lower().startswith(("localhost:", "localhost.:")):
        raise ValueError("write the address of this machine instead of localhost: 127.0.0.1 or [::1]")
    return join_host_port(*split_host_port(text))


def refuse_everywhere(text: str) -> None:
    """Refuse an upstream, in normal form, whose address no site may proxy to. Raises ValueError; names pass."""
    host = split_host_port(text)[0]
    if _literal(host) and (sort := sort_of(host)) not in ("", LOOPBACK):
        raise ValueError(f"{host} is {sort}: never an upstream")


def addresses(text: str, rules: Rules, resolve: Resolve) -> list[str]:
    """Return the `address:port` of an upstream in normal form; a name gives all its addresses, sorted.

    One refused address refuses the name. Raises ValueError for that, OSError when the name does not resolve.
    """
    host, port = split_host_port(text)
    if _literal(host):
        rules.check(host, port)
        return [text]
    found = sorted({_unmapped(answer) for answer in resolve(host)})
    for answer in found:
        rules.check(answer, port, named=rules.named(host))
    if not found:
        raise OSError(f"{host} has no address")
    return [join_host_port(answer, port) for answer in found]


def named_host(text: str) -> str:
    """Return the host of an upstream in normal form when it is a name that must be resolved, else ""."""
    host = split_host_port(text)[0]
    return "" if _literal(host) else host


def _in(host: str, block: str) -> bool:
    """Whether an address lies in a block; a name is none."""
    try:
        return ip_address(host) in ip_network(block)
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def _literal(host: str) -> bool:
    return ":" in host or DOTTED_QUAD.fullmatch(host) is not None


def _unmapped(answer: str) -> str:
    """Return a resolved address in normal form; a mapped one becomes the IPv4 address the kernel connects to."""
    address = ip_address(answer)
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(inner or address)
