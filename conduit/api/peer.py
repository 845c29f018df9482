"""Whose request it is: the peer of the connection, or whom a trusted proxy names in X-Forwarded-For. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

HEADER = b"x-forwarded-for"


def address_behind(
    peer: str, headers: Iterable[tuple[bytes, bytes]], trusted: Iterable[IPv4Network | IPv6Network]
) -> str:
    """Return the last address in the chain of proxies that is not a trusted one, read from the peer backwards.

    What a client writes there itself stands before what the proxies add, and is never reached.
    """
    networks = tuple(trusted)
    if not networks or not _is_in(peer, networks):
        return peer
    named = b",".join(value for name, value in headers if name == HEADER).decode("latin-1").split(",")
    found = peer
    for text in reversed([each.strip() for each in named if each.strip()]):
        if _address(text) is None:
            break
        found = text
        if not _is_in(text, networks):
            break
    return found


def _is_in(text: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in network for network in networks)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
