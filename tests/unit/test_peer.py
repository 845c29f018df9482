"""L4: whose request it is, with proxies in between and with lies about them."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from conduit.api.peer import address_behind

TRUSTED = tuple(map(ip_network, ("127.0.0.1", "10.0.0.0/24", "fd00::/64")))


@pytest.mark.parametrize(
    ("peer", "named", "wanted"),
    [
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("127.0.0.1", ["1.2.3.4, 9.9.9.9"], "9.9.9.9"),
        ("127.0.0.1", ["1.2.3.4", "9.9.9.9"], "9.9.9.9"),
        ("127.0.0.1", ["1.2.3.4, 9.9.9.9, 10.0.0.7"], "9.9.9.9"),
        ("127.0.0.1", ["10.0.0.8, 10.0.0.7"], "10.0.0.8"),
        ("127.0.0.1", ["1.2.3.4, nonsense, 10.0.0.7"], "10.0.0.7"),
        ("127.0.0.1", ["nonsense"], "127.0.0.1"),
        ("127.0.0.1", [" , ,"], "127.0.0.1"),
        ("127.0.0.1", ["9.9.9.9:1234"], "127.0.0.1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("8.8.8.8", ["9.9.9.9"], "8.8.8.8"),
        ("10.0.1.1", ["9.9.9.9"], "10.0.1.1"),
        ("", ["9.9.9.9"], ""),
    ],
)
def test_the_last_address_that_no_trusted_proxy_has(peer: str, named: list[str], wanted: str) -> None:
    headers = [(b"host", b"x"), *((b"x-forwarded-for", each.encode()) for each in named)]
    assert address_behind(peer, headers, TRUSTED) == wanted


def test_without_trusted_proxies_a_header_is_ignored() -> None:
    assert address_behind("127.0.0.1", [(b"x-forwarded-for", b"9.9.9.9")], ()) == "127.0.0.1"
