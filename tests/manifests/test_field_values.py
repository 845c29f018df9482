"""The fields of a resource: strict types, unknown and missing keys, and hints that say how to write it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conduit.errors import Diagnostic
from conduit.model import Secret


@pytest.mark.parametrize(
    ("fields", "word", "hint"),
    [
        ("upstream: 8080", "write text", 'quote it: "8080"'),
        ("upstream: true", "write text", 'quote it: "true"'),
        ("upstream: 1.5", "write text", 'quote it: "1.5"'),
        ("upstream: ['a']", "write text", ""),
        ("port: '8080'", "whole number", "no quotes"),
        ("port: 0755", "whole number", "no leading zero"),
        ("port: 1_0", "whole number", "no _"),
        ("port: 8080.0", "whole number", ""),
        ("port: ٣٣", "whole number", ""),
        ("port: ²", "whole number", ""),
        ("port: -0", "whole number", "plain digits"),
        ("port: 22:22", "whole number", ""),
        ("port: true", "whole number", ""),
        ("port: 0", "at least 1", ""),
        ("port: 65536", "at most 65535", ""),
        ("ratio: '1'", "write a number", "no quotes"),
        ("live: no", "true or false", '"no" is text'),
        ("live: 'true'", "true or false", ""),
        ("live: 1", "true or false", ""),
        ("mode: of", "'internal' or 'off'", 'did you mean "off"?'),
        ("mode: false", "'internal' or 'off'", "quote it"),
        ("check: x", "write a mapping", ""),
        ("headers: {a: 5}", "write text", 'quote it: "5"'),
        ("backends: x", "write a list", ""),
    ],
)
def test_y5_types_are_strict_and_the_hint_says_how(
    problem_of: Callable[..., Diagnostic], fields: str, word: str, hint: str
) -> None:
    problem = problem_of(f"pages: {{x: {{{fields}}}}}\n")
    assert problem.code.id == "CND-0203"
    assert word in problem.summary
    assert hint in problem.hint
    assert problem.line.startswith("pages: ")


def test_text_that_looks_like_something_else_stays_text(spec: Callable[[str], Any]) -> None:
    assert spec("upstream: no").upstream == "no"
    assert spec("upstream: 12:30").upstream == "12:30"
    assert spec("upstream: 0755").upstream == "0755"


def test_a_mistyped_required_key_is_one_problem(problem_of: Callable[..., Diagnostic]) -> None:
    problem = problem_of("needies: {x: {upsteam: a}}\n")
    assert problem.summary == 'unknown key "upsteam" in needy'
    assert problem.hint == 'did you mean "upstream"?'
    assert problem.source.column == 15


def test_a_missing_key_points_at_the_name(problem_of: Callable[..., Diagnostic]) -> None:
    problem = problem_of("needies:\n  x:\n    anything: 1\n")
    assert problem.summary == 'missing key "upstream" in needy'
    assert problem.source[1:] == (2, 3)


def test_an_unknown_key_deep_inside_is_told_with_its_place(problem_of: Callable[..., Diagnostic]) -> None:
    problem = problem_of("pages: {x: {check: {pth: /}}}\n")
    assert problem.summary == 'unknown key "pth" in page, below check'
    assert problem.hint == 'did you mean "path"?'
    problem = problem_of("pages: {x: {backends: [{adress: a}]}}\n")
    assert problem.hint == 'did you mean "address"?'


def test_a_union_is_told_once_by_the_member_that_got_furthest(problem_of: Callable[..., Diagnostic]) -> None:
    problem = problem_of("pages: {x: {backends: [a, {address: b, weight: '1'}]}}\n")
    assert problem.summary == 'wrong value for "backends.1.weight" in page: write a whole number'
    assert problem.source.column == 48
    problem = problem_of("pages: {x: {backends: [a, 5]}}\n")
    assert "write text or write a mapping" in problem.summary


def test_a_secret_in_clear_is_accepted_by_its_type_but_never_echoed(
    spec: Callable[[str], Any], problem_of: Callable[..., Diagnostic]
) -> None:
    assert spec("password: {secret: NAME}").password == Secret("NAME")
    problem = problem_of("pages: {x: {password: 12345}}\n")
    assert problem.line == ""
    assert "12345" not in str(problem)


def test_a_number_in_the_place_of_text_is_told_what_the_field_takes(problem_of: Callable[..., Diagnostic]) -> None:
    """Regression: `check: {path: 8}` was told to be quoted, and then that "8" is no path."""
    assert problem_of("pages: {x: {check: {every: 10}}}\n").hint == 'quote it: "10"'
    assert "a path begins with one /" in problem_of("pages: {x: {check: {path: 8}}}\n").hint


def test_a_missing_space_after_a_colon_is_named(problem_of: Callable[..., Diagnostic]) -> None:
    assert problem_of("pages:\n  x:\n    upstream:a\n").hint == "write a space after the colon"
    assert problem_of("pages: {x: {upstream:a}}\n").hint == "write a space after the colon"


@pytest.mark.parametrize(("text", "near"), [("Pages: {}\n", "pages"), ("pages: {x: {mode: OFF}}\n", "off")])
def test_the_nearest_word_is_found_in_other_letters_too(
    problem_of: Callable[..., Diagnostic], text: str, near: str
) -> None:
    assert problem_of(text).hint == f'did you mean "{near}"?'


def test_unknown_keys_in_a_name_are_cut_and_shown_safely(problem_of: Callable[..., Diagnostic]) -> None:
    problem = problem_of('pages: {x: {"' + "k\\e" * 100 + '": 1}}\n')
    assert len(problem.summary) < 600
    assert "\x1b" not in problem.summary
