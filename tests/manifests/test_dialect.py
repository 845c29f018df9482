"""The YAML dialect: what each plain scalar means, and what is refused."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from conduit.dialect.document import parse
from conduit.errors import Diagnostic, LoadError


def value(text: str) -> Any:
    return parse("a.yaml", f"x: {text}\n".encode()).data["x"]


def problems(text: str | bytes) -> Sequence[Diagnostic]:
    with pytest.raises(LoadError) as caught:
        parse("a.yaml", text if isinstance(text, bytes) else text.encode())
    return caught.value.diagnostics


TEXT = (
    "on off yes no On NO y n 12:30 22:22 0755 -0 +0 00 -012 08 1_0 1_000 ٣٣ ² 2020-01-02 1.2.3.4 0b1 0o8 0xg 1e +.x "
    "tRUE nUll 00.5 = 190:20:30 <<"
)


@pytest.mark.parametrize("text", TEXT.split())
def test_text_that_other_versions_of_yaml_turn_into_something_else(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None), ("~", None), ("null", None), ("NULL", None), ("true", True), ("False", False),
        ("0", 0), ("8080", 8080), ("-7", -7), ("+7", 7), ("0o17", 15), ("0xfF", 255),
        ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)), ("8080.0", 8080.0), (".5", 0.5),
        ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015),
        ("'8080'", "8080"), ('"no"', "no"), ("'~'", "~"), ('""', ""), ("[1, no]", [1, "no"]), ("{a: ~}", {"a": None}),
    ],
)  # fmt: skip
def test_scalars_are_those_of_the_core_schema_of_yaml_1_2(text: str, expected: Any) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_block_text_is_text() -> None:
    assert value("|\n  12\n  no\n") == "12\nno\n"
    assert value(">-\n  1\n") == "1"


@pytest.mark.parametrize(
    "text", [".inf", "-.INF", ".nan", ".NaN", "9223372036854775808", "1e999", "0x" + "f" * 17, "9" * 5000]
)
def test_numbers_no_json_reader_could_carry_are_refused_with_a_hint(text: str) -> None:
    (problem,) = problems(f"x: {text}\n")
    assert problem.code.id == "CND-0110"
    assert problem.hint.startswith("quote it")
    assert problem.source == ("a.yaml", 1, 4)


def test_all_problems_of_a_file_are_told_with_their_places() -> None:
    told = problems("a: 1\na: 2\nb: !!str 3\n8080: x\nc: .inf\n'on': 1\non: 2\n")
    assert [(p.code.id, p.source.line, p.source.column) for p in told] == [
        ("CND-0105", 2, 1), ("CND-0106", 3, 4), ("CND-0109", 4, 1), ("CND-0110", 5, 4), ("CND-0105", 7, 1),
    ]  # fmt: skip
    assert told[0].related == (("first here", ("a.yaml", 1, 1)),)
    assert "line 1" in told[0].summary
    assert told[0].line == "a: 2"


@pytest.mark.parametrize("key", ["1", "1.5", "true", "~", "[a]", "{a: b}", "? [x]", "*x", "&x a", ".inf"])
def test_keys_that_are_no_text_are_refused(key: str) -> None:
    assert {p.code.id for p in problems(f"x: &x y\n{key}: 2\n")} <= {"CND-0109", "CND-0107"}


def test_an_unquoted_template_is_told_to_be_quoted() -> None:
    assert any('"{{ name }}"' in p.hint for p in problems("x: {{ name }}\n"))


@pytest.mark.parametrize(
    "tag", ['!!python/object/apply:os.system ["id"]', "!vault x", "! x", "!!str 5", "!<x> y", "!!binary eA=="]
)
def test_y1_tags_are_refused(tag: str) -> None:
    assert problems(f"x: {tag}\n")[0].code.title == "yaml_tag"


def test_y2_billion_laughs_is_refused_and_takes_no_memory() -> None:
    names = "abcdefghi"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{after}: &{after} [{', '.join(['*' + before] * 5)}]\n" for before, after in pairwise(names)
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (problem,) = problems(bomb)
    assert problem.code.id == "CND-0107"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_repeated_values_are_bounded_before_they_are_built() -> None:
    wide = "a: &a [" + "x, " * 30_000 + "]\nb: [*a, *a, *a, *a]\n"
    assert "100,000" in problems(wide)[0].summary


def test_fifty_aliases_are_fine_and_positions_end_at_the_alias() -> None:
    document = parse("a.yaml", ("a: &a {k: [v]}\nb: [" + "*a, " * 49 + "*a]\n").encode())
    assert document.data["b"] == [{"k": ["v"]}] * 50
    assert document.place(document.follow(document.find(("b", 2)), "k.0")) == (2, 13)
    assert problems("a: &a x\nb: [" + "*a, " * 51 + "]\n")[0].code.id == "CND-0107"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &a [*a]\n", "CND-0107"),
        ("a: &a {b: *a}\n", "CND-0107"),
        ("a: *nothing\n", "CND-0107"),
        ("a: {<<: {b: 1}}\n", "CND-0107"),
        ("a: &x 1\n*x : 2\n", "CND-0109"),
    ],
)
def test_y3_recursion_unknown_anchors_and_merge_keys_are_refused(text: str, code: str) -> None:
    assert problems(text)[0].code.id == code


def test_an_anchor_may_be_defined_again() -> None:
    assert parse("a", b"a: &x 1\nb: *x\nc: &x 2\nd: *x\n").data == {"a": 1, "b": 1, "c": 2, "d": 2}


@pytest.mark.parametrize("deep", ["[" * 5000, "{a: " * 5000, "x: " + "[" * 100_000, "- " * 5000])
def test_y3_nesting_is_bounded(deep: str) -> None:
    assert problems(deep)[0].code.id == "CND-0108"


def test_fifty_levels_are_fine() -> None:
    assert parse("a", b"[" * 50 + b"]" * 50)
    assert problems(b"[" * 51 + b"]" * 51)[0].code.id == "CND-0108"


def test_values_of_a_file_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conduit.dialect.builder.MAX_NODES", 100)
    assert parse("a", b"[" + b"1," * 99 + b"]")
    assert problems(b"[" + b"1," * 100 + b"]")[0].code.title == "too_many"


def test_one_document_per_file() -> None:
    assert parse("a", b"--- \na: 1\n...\n").data == {"a": 1}
    (problem,) = problems("a: 1\n---\nb: 2\n")
    assert (problem.code.id, problem.source.line) == ("CND-0111", 2)


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a:\n\tb: 1\n", 2, "spaces, never"),
        ("a: b: c\n", 1, "this line"),
        ("a: [1\nb: 2\n", 2, "this line"),
        ('a: "\\q"\n', 1, ""),
    ],
)
def test_broken_syntax_says_where(text: str, line: int, hint: str) -> None:
    (problem,) = problems(text)
    assert problem.code.id == "CND-0104"
    assert problem.source.line == line
    assert hint in problem.hint
    assert problem.line == text.split("\n")[line - 1]


@pytest.mark.parametrize(
    ("content", "line", "word"),
    [
        (b"\xef\xbb\xbfa: 1\n", 1, "byte order mark"),
        (b"a: 1\r\nb: 2\r\n", 1, "CR LF"),
        (b"a: 1\nb: \xff\xfe\n", 2, "UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "UTF-8"),
        (b"a: 1\nb: x\0y\n", 2, "U+0000"),
        (b"a: \x1b[31mred\n", 1, "U+001B"),
        ("a: x\u2028y\n".encode(), 1, "U+2028"),
        ("a: x\u0085y\n".encode(), 1, "U+0085"),
    ],
)
def test_y8_what_is_not_plain_text_is_refused_and_never_echoed(content: bytes, line: int, word: str) -> None:
    (problem,) = problems(content)
    assert problem.code.id == "CND-0102"
    assert problem.source.line == line
    assert word in problem.summary
    assert problem.line == ""


@pytest.mark.parametrize(
    "text",
    [
        "a:\n<<<<<<< HEAD\n  b: 1\n=======\n  b: 2\n>>>>>>> other\n",
        "a: |\n  x\n<<<<<<< HEAD\n  b\n=======\n  c\n>>>>>>> other\n",
        "a: |\n  x\n  <<<<<<< HEAD\n  b\n  =======\n  c\n  >>>>>>> other\n",
        "a: 1\n>>>>>>> other\n",
    ],
)
def test_y6_conflict_markers_are_found_in_mappings_and_in_blocks(text: str) -> None:
    (problem,) = problems(text)
    assert problem.code.title == "merge_conflict"
    assert problem.line.lstrip()[:7] in ("<<<<<<<", ">>>>>>>")


def test_a_ruler_of_equal_signs_is_text() -> None:
    assert value("|\n  Title\n  =======\n") == "Title\n=======\n"


def test_an_empty_file_and_one_of_comments_hold_nothing() -> None:
    assert parse("a", b"").data is None
    assert parse("a", b"# nothing yet\n").data is None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("x: *.home.arpa\n", "quote a value that begins with * or &"),
        ("x: a: b\n", "quote the value on this line"),
        ("a:\n  b: 1\n c: 2\n", "indent this line like its neighbours"),
        ("a:\n\tb: 1\n", "never with tabs"),
    ],
)
def test_a_break_of_syntax_is_told_with_what_to_do(text: str, hint: str) -> None:
    assert hint in problems(text)[-1].hint
