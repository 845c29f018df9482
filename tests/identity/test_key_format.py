"""The form of API keys."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit.identity.key_format import DIGITS, hash_of, id_of, make_key


def test_a_key_has_the_promised_form() -> None:
    key = make_key()
    assert re.fullmatch(r"cdt_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", key.text)
    assert key.text[4:12] == key.id == id_of(key.text)
    assert key.hash == hash_of(key.text)
    assert len({make_key().text for _ in range(100)}) == 100


@given(st.integers(0, 61), st.sampled_from(DIGITS))
def test_a_typing_error_shows(at: int, digit: str) -> None:
    text = make_key().text
    changed = text[:at] + digit + text[at + 1 :]
    assert (id_of(changed) is None) == (changed != text)


@pytest.mark.parametrize("text", ["", "cdt_", "cdt_test_key", "x" * 10_000])
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert id_of(text) is None


def test_only_ascii_and_the_whole_text_count() -> None:
    key = make_key()
    for text in (key.text + "\n", " " + key.text, key.text.replace("c", "с", 1)):
        assert id_of(text) is None
