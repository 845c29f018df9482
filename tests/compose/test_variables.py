"""Interpolation and files of variables: the tables of the Compose Specification, and properties of both."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conduit.compose.dotenv import DotenvError, read_variables
from conduit.compose.interpolate import Missing, substitute
from tests.compose.kit import Site, application

SET = {"SET": "v", "EMPTY": "", "OTHER": "o"}

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
PLAIN = st.text(alphabet=string.ascii_letters + string.digits + " .,:/-", max_size=12)


@pytest.mark.parametrize(
    ("form", "when_set", "when_empty", "when_unset"),
    [
        ("$%s", "v", "", ""),
        ("${%s}", "v", "", ""),
        ("${%s:-d}", "v", "d", "d"),
        ("${%s-d}", "v", "", "d"),
        ("${%s:+r}", "r", "", ""),
        ("${%s+r}", "r", "r", ""),
        ("${%s:?e}", "v", None, None),
        ("${%s?e}", "v", "", None),
        ("${%s:-${OTHER}}", "v", "o", "o"),
        ("${%s:-${NOPE:-${OTHER}}}", "v", "o", "o"),
        ("${%s:+$OTHER}", "o", "", ""),
        ("${%s:-a$$b}", "v", "a$b", "a$b"),
        ("${%s:-}", "v", "", ""),
        ("$$%s", "$SET", "$EMPTY", "$UNSET"),
    ],
)
def test_the_forms_of_a_variable(form: str, when_set: str, when_empty: str | None, when_unset: str | None) -> None:
    for name, wanted in (("SET", when_set), ("EMPTY", when_empty), ("UNSET", when_unset)):
        if wanted is None:
            with pytest.raises(Missing, match="e"):
                substitute(form % name, SET)
        else:
            assert substitute(form % name, SET) == wanted


@given(TEXT)
def test_text_with_doubled_dollars_is_that_text(text: str) -> None:
    assert substitute(text.replace("$", "$$"), SET) == text


@given(PLAIN, NAMES, TEXT, PLAIN)
def test_a_value_is_put_in_once_and_never_read_again(before: str, name: str, value: str, after: str) -> None:
    assert substitute(f"{before}${{{name}}}{after}", {name: value}) == f"{before}{value}{after}"


@given(NAMES, st.one_of(st.none(), TEXT), PLAIN, PLAIN)
def test_defaults_and_replacements_complement_each_other(
    name: str, value: str | None, default: str, replacement: str
) -> None:
    values = {} if value is None else {name: value}
    assert substitute(f"${{{name}:-{default}}}", values) == (value or default)
    assert substitute(f"${{{name}-{default}}}", values) == (default if value is None else value)
    assert substitute(f"${{{name}:+{replacement}}}", values) == (replacement if value else "")
    assert substitute(f"${{{name}+{replacement}}}", values) == ("" if value is None else replacement)


@given(TEXT)
def test_any_text_gives_text_or_a_value_error(text: str) -> None:
    try:
        assert isinstance(substitute(text, SET), str)
    except ValueError:
        assert "$" in text


def test_variables_cannot_make_endless_text() -> None:
    with pytest.raises(ValueError, match="1 MiB"):
        substitute("$A" * 2000, {"A": "x" * 1000})
    with pytest.raises(ValueError, match="nested deeper"):
        substitute("${A:-" * 100 + "}" * 100, {})


DOTENV = {
    "A=1": {"A": "1"},
    "A = 1 ": {"A": "1"},
    "export A=1": {"A": "1"},
    "exported=1": {"exported": "1"},
    "A: yaml": {"A": "yaml"},
    "A=": {"A": ""},
    "A=a # comment": {"A": "a"},
    "A=a#no comment": {"A": "a#no comment"},
    "# A=1\n\n  B=2": {"B": "2"},
    "A='it is $B # so' # comment": {"A": "it is $B # so"},
    'A="${B:-x} y" # comment': {"A": "b y"},
    'A="two\nlines"\nC=3': {"A": "two\nlines", "C": "3"},
    r'A="a\nb\tc\"d\\e"': {"A": 'a\nb\tc"d\\e'},
    r"A='a\nb'": {"A": r"a\nb"},
    "A=$B$$C": {"A": "b$C"},
    "A=1\nC=${A}2": {"A": "1", "C": "12"},
    "A=1\nB=own": {"A": "1", "B": "own"},
    "B": {"B": "b"},
    "NOPE": {},
    "A=1\nA=2": {"A": "2"},
    "A=x=y": {"A": "x=y"},
    "A=1\r\nC=2\r\n": {"A": "1", "C": "2"},
    "": {},
}


@pytest.mark.parametrize("text", DOTENV)
def test_lines_of_a_file_of_variables(text: str) -> None:
    assert read_variables(text, {"B": "b"}) == DOTENV[text]


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\nB C=2", 2), ("=x", 1), ("A='open", 1), ('\n\nA="open\n', 3), ("1A=x", 1), ("A=${", 1), ("A='x'y", 1)],
)
def test_a_line_that_cannot_be_read_is_told_without_its_value(text: str, line: int) -> None:
    with pytest.raises(DotenvError) as caught:
        read_variables(text, {})
    assert caught.value.line == line
    assert "open" not in str(caught.value)


@given(NAMES, st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0\r'\\"), max_size=40))
def test_single_quotes_keep_any_text(name: str, value: str) -> None:
    assert read_variables(f"{name}='{value}'\n", {}) == {name: value}


@given(NAMES, st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=40))
def test_double_quotes_keep_any_escaped_text(name: str, value: str) -> None:
    written = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    assert read_variables(f'{name}="{written}"\n', {}) == {name: value}


@given(TEXT)
def test_any_text_gives_variables_or_an_error_with_a_line(text: str) -> None:
    try:
        assert all(isinstance(value, str) for value in read_variables(text, {}).values())
    except DotenvError as error:
        assert 1 <= error.line <= text.count("\n") + 1  # noqa: PT017


def test_what_is_given_goes_before_the_file(site: Site) -> None:
    site.write(".env", "A=file\nB=${A}\n")
    loaded = site.load(application("labels: {a: $A, b: $B}"), {"A": "given"})
    assert loaded.application.services["a"].labels == {"a": "given", "b": "given"}


def test_the_name_of_the_application_is_a_variable(site: Site) -> None:
    text = "name: ${PREFIX:-my}-shop\n" + application("hostname: ${COMPOSE_PROJECT_NAME}")
    loaded = site.load(text)
    assert (loaded.application.name, loaded.application.services["a"].hostname) == ("my-shop", "my-shop")


def test_the_name_is_the_callers_then_the_environments_then_the_files_then_the_directorys(site: Site) -> None:
    text, environment = "name: own\n" + application(""), {"COMPOSE_PROJECT_NAME": "environment"}
    assert site.load(text, environment, name="caller").application.name == "caller"
    assert site.load(text, environment).application.name == "environment"
    assert site.load(text).application.name == "own"
    assert site.load(application("")).application.name == "shop"


def test_later_env_files_win_and_environment_wins_over_all(site: Site) -> None:
    site.write("one.env", "A=1\nB=1\nC=1\nD=1\n")
    site.write("two.env", "B=2\nC=2\nD=2\n")
    loaded = site.load(application("env_file: [one.env, two.env]\nenvironment: {C: 3, D: null}"))
    assert loaded.application.services["a"].environment == {"A": "1", "B": "2", "C": "3"}
