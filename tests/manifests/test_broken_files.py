"""What is still told of a file that breaks a rule of the dialect, or the syntax of YAML, somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conduit.dialect.torn import whole_part

Told = list[tuple[str, int]]


@pytest.fixture
def told(refuse: Callable[..., Any]) -> Callable[..., Told]:
    """`told(text)`: the code and line of each problem of one manifest."""
    return lambda *files: [(problem.code.id, problem.source.line) for problem in refuse(*files)]


def test_a_key_that_stands_twice_hides_nothing_else_of_its_file(told: Callable[..., Told]) -> None:
    text = "pages:\n  a:\n    port: 1\n    port: 2\n    prot: 3\n  b: {lvie: true}\npagse: {x: {}}\n"
    assert told(text) == [("CND-0105", 4), ("CND-0201", 5), ("CND-0201", 6), ("CND-0113", 7)]


def test_of_a_key_that_stands_twice_the_first_value_is_looked_at(told: Callable[..., Told]) -> None:
    assert told("pages:\n  a:\n    port: no\n    port: 2\n") == [("CND-0203", 3), ("CND-0105", 4)]
    assert told("pages:\n  a:\n    port: 2\n    port: no\n") == [("CND-0105", 4)]


def test_both_places_of_a_key_that_stands_twice_are_told(refuse: Callable[..., Any]) -> None:
    (problem,) = refuse("pages:\n  a:\n    port: 1\n    live: true\n    port: 2\n")
    assert problem.source == ("desired/a.yaml", 5, 5)
    assert problem.related == (("first here", ("desired/a.yaml", 3, 5)),)


def test_a_section_that_stands_twice_hides_nothing_of_its_second_half(told: Callable[..., Told]) -> None:
    text = "pages:\n  a: {}\n  b: {}\npages:\n  b: {port: no}\n  c: {port: no}\n"
    assert told(text) == [("CND-0105", 4), ("CND-0105", 5), ("CND-0203", 6)]


@pytest.mark.parametrize(
    ("value", "code"), [("!vault x", "CND-0106"), (".inf", "CND-0110"), ("{8080: x}", "CND-0109"), ("*x", "CND-0107")]
)
def test_a_value_nobody_can_know_hides_its_own_name_alone(told: Callable[..., Told], value: str, code: str) -> None:
    text = f"pages:\n  a: {{prot: 1}}\n  b:\n    port: {value}\n    prot: 1\n  c: {{prot: 1}}\n"
    assert told(text) == [("CND-0201", 2), (code, 4), ("CND-0201", 6)]


def test_a_merge_key_is_not_told_as_keys_that_are_missing(told: Callable[..., Told]) -> None:
    assert told("needies:\n  a: &a {upstream: x}\n  b:\n    <<: *a\n  c: {}\n") == [("CND-0107", 4), ("CND-0202", 5)]


def test_an_empty_section_hides_no_other(told: Callable[..., Told]) -> None:
    assert told("needies:\npages:\n  a: {prot: 1}\n") == [("CND-0112", 1), ("CND-0201", 3)]


def test_a_variable_nobody_can_know_makes_no_name_wrong(told: Callable[..., Told]) -> None:
    text = 'vars: {port: !vault x}\npages:\n  a: {port: "{{ port }}"}\n  b: {port: no}\n'
    assert told(text) == [("CND-0106", 1), ("CND-0203", 4)]


def test_what_stands_whole_before_a_break_of_syntax_is_looked_at(told: Callable[..., Told]) -> None:
    text = "needies:\n  n: {}\npages:\n  a: {prot: 1}\n  b: {prot: 1}\n  c:\n    port: [1\n  d: {prot: 1}\n"
    assert told(text) == [("CND-0202", 2), ("CND-0201", 4), ("CND-0201", 5), ("CND-0104", 8)]


def test_the_name_before_a_break_may_be_what_is_broken(told: Callable[..., Told]) -> None:
    """The second line of `b` is not indented as far as the first, so that `b` ends too soon and misses a key."""
    assert told("needies:\n  a: {}\n  b:\n    anything: 1\n   upstream: x\n") == [("CND-0202", 2), ("CND-0104", 5)]


def test_a_second_document_hides_nothing_of_the_first(told: Callable[..., Told]) -> None:
    assert told("pages:\n  a: {prot: 1}\n---\npages:\n  a: {}\n") == [("CND-0201", 2), ("CND-0111", 3)]


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("a:\n  x: 1\n  y: {\n", "a:\n  x: 1\n  "),
        ("a:\n  x: 1\nb:\n  y: {\n", "a:\n  x: 1\n"),
        ("a:\n  x: 1\n  y: 'open\nb:\n  z: 1\n", "a:\n  x: 1\n  "),
        ("a: [1]\nb: *x\nc: }\n", "a: [1]\nb: *x\n"),
        ("[a, {b: c}\n", ""),
        ("", ""),
    ],
)
def test_a_text_is_whole_up_to_the_last_name_that_begins(text: str, whole: str) -> None:
    assert whole_part(text) == whole
