"""The canonical text: equal data, equal text; what is not known or secret never looks like a value."""

from __future__ import annotations

import json
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit.canonical import canonical, digest_of
from conduit.model import Key, Late, Ref, Secret
from conduit.spec import Spec

WIKI = Key("container", "wiki-web-1")
FINITE = st.floats(allow_nan=False, allow_infinity=False)  # JSON has no others (RFC 8259 section 6), nor has YAML here
SCALARS = st.none() | st.booleans() | st.integers() | FINITE | st.text()
VALUES = st.recursive(SCALARS, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=20)


class Point(Spec):
    x: int
    y: tuple[int, ...] = ()


@given(VALUES)
def test_it_is_the_same_data(value: object) -> None:
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(st.text(), VALUES))
def test_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        ({"b", "a", "c"}, ["a", "b", "c"]),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (Ref(WIKI, "address", "10.0.0.9"), "10.0.0.9"),
        (Point(x=1, y=(2,)), {"x": 1, "y": [2]}),
    ],
)
def test_two_ways_to_say_the_same(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)
    assert digest_of({"native": one}) == digest_of({"native": other})


@pytest.mark.parametrize("value", [Late(WIKI, "address"), Ref(WIKI, "address"), Secret("wiki-password")])
def test_what_is_no_value_never_equals_its_text(value: object) -> None:
    assert canonical(value) != canonical(str(value))


@pytest.mark.parametrize("text", ["Größe", "\ud800", "\x7f", "\u2028"])
def test_text_beyond_ascii_is_escaped(text: str) -> None:
    found = canonical({"name": text, "of": Secret("a"), "at": {1: Late(WIKI, "address")}})
    assert found.isascii()
    assert json.loads(found)["name"] == text
    assert canonical([text, Ref(WIKI, "port")]) == canonical((text, Late(WIKI, "port")))


def test_a_reference_and_its_late_value_are_the_same_wish() -> None:
    assert canonical(Ref(WIKI, "address", Late(WIKI, "address"))) == canonical(Late(WIKI, "address"))
    assert canonical(Ref(WIKI, "address")) != canonical(Ref(WIKI, "port"))
