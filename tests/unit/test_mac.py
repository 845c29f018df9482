"""The HMAC of many short texts is the one of the standard library."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit.mac import BLOCK, Mac


@given(st.binary(max_size=BLOCK), st.binary(), st.binary())
def test_it_is_hmac_sha256_however_often_it_is_asked(key: bytes, first: bytes, second: bytes) -> None:
    mac = Mac(key)
    for text in (first, second, first):
        assert mac(text) == hmac.digest(key, text, "sha256")


def test_a_key_that_would_have_to_be_hashed_is_refused() -> None:
    with pytest.raises(ValueError, match="65 bytes"):
        Mac(bytes(BLOCK + 1))
