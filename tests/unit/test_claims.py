"""Which listeners cannot be had at once."""

from __future__ import annotations

import pytest

from conduit.claims import RULES
from conduit.model import Claim


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("0.0.0.0", "10.0.0.1", True),
        ("::", "10.0.0.1", True),
        ("::", "0.0.0.0", True),
        ("::", "fd00::1", True),
        ("0.0.0.0", "::1", False),
    ],
)
def test_a_wildcard_meets_the_addresses_it_stands_for(one: str, other: str, meet: bool) -> None:
    bucket, overlap = RULES["listen"]
    claims = [Claim("listen", ("udp", address, "53")) for address in (one, other)]
    assert bucket(claims[0]) == bucket(claims[1])
    assert overlap(*claims) is overlap(*reversed(claims)) is meet
