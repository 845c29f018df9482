"""A mapping that makes its values when somebody asks: all keys are there before, each root is made once."""

from __future__ import annotations

from threading import Barrier, Thread

import pytest

from conduit.later import Later, later
from conduit.model import Key

A, B, C, ROOT = Key("page", "a"), Key("page", "b"), Key("page", "c"), Key("book", "root")


def book(made: list[Key]) -> Later[str]:
    """Two pages of one book, and one that is there already."""

    def make(root: Key) -> dict[Key, str]:
        made.append(root)
        return {A: "first", C: "last"}

    return Later({A: ROOT, B: "between", C: ROOT}, make)


def test_keys_are_known_before_their_values() -> None:
    made: list[Key] = []
    pages = book(made)
    assert list(pages) == [A, B, C]
    assert (len(pages), A in pages, ROOT in pages, pages.get(ROOT), pages[B]) == (3, True, False, None, "between")
    assert made == []


def test_a_root_is_made_once_and_keeps_the_order() -> None:
    made: list[Key] = []
    pages = book(made)
    assert dict(pages) == {A: "first", B: "between", C: "last"}
    assert list(pages.values()) == ["first", "between", "last"]
    assert made == [ROOT]


def test_a_key_that_is_none_of_these_is_an_error() -> None:
    with pytest.raises(KeyError):
        book([])[ROOT]


def test_of_many_threads_one_makes_a_value() -> None:
    made: list[Key] = []
    pages, start = book(made), Barrier(8)
    found: list[str] = []

    def ask() -> None:
        start.wait()
        found.append(pages[A])

    threads = [Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (found, made) == (["first"] * 8, [ROOT])


def test_what_is_made_already_stays_as_it_is() -> None:
    values: dict[Key, str | Key] = {A: "first", B: "between"}
    assert later(values, lambda root: {}) is values
    assert isinstance(later(values | {C: ROOT}, lambda root: {C: "last"}), Later)
