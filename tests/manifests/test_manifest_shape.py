"""The shape of a manifest: its kinds, its names, and what may stand once only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conduit.errors import Diagnostic, LoadError
from conduit.manifests.load import Manifests
from conduit.manifests.load import load as load_tree
from conduit.manifests.tree import read_tree
from conduit.resources import Kinds
from conduit.settings import Settings


@pytest.mark.parametrize(
    "name",
    [
        "a\\nserver { listen 81; }",
        "a\\n",
        "a\\r",
        "a\\x00",
        "a\\u2028",
        "a\\u0085",
        "a" * 64,
        "",
        "-a",
        "..",
        "con/../x",
        "A",
        "a.b",
        "é",
    ],
)
def test_i1_hostile_names_are_refused(problem_of: Callable[..., Diagnostic], name: str) -> None:
    problem = problem_of(f'pages:\n  "{name}": {{}}\n')
    assert problem.code.id == "CND-0204"
    assert problem.source == ("desired/a.yaml", 2, 3)
    assert problem.summary.isprintable()


@pytest.mark.parametrize("name", ["a", "a" * 63, "a-b_c", "0"])
def test_names_of_1_to_63_plain_characters_are_good(load: Callable[..., Manifests], name: str) -> None:
    assert load(f'pages: {{"{name}": {{}}}}\n').resources


@pytest.mark.parametrize(
    ("key", "hint"), [("page", '"pages"'), ("pagse", '"pages"'), ("var", '"vars"'), ("zzz", "conduit kinds")]
)
def test_an_unknown_kind_is_told_with_the_nearest(problem_of: Callable[..., Diagnostic], key: str, hint: str) -> None:
    problem = problem_of(f"{key}: {{x: {{}}}}\n")
    assert problem.code.id == "CND-0113"
    assert hint in problem.hint


@pytest.mark.parametrize("text", ["- a\n", "just text\n", "pages:\n", "pages: []\n", "vars:\n", "pages: text\n"])
def test_what_is_no_mapping_of_kinds_is_refused(problem_of: Callable[..., Diagnostic], text: str) -> None:
    assert problem_of(text).code.id == "CND-0112"


def test_an_empty_section_is_said_explicitly(load: Callable[..., Manifests]) -> None:
    assert load("pages: {}\nvars: {}\n").resources == {}


def test_a_name_with_nothing_below_is_problem_ofd(problem_of: Callable[..., Diagnostic]) -> None:
    problem = problem_of("pages:\n  x:\n")
    assert "nothing is written" in problem.hint


def test_y11_the_same_name_in_two_files_names_both(problem_of: Callable[..., Diagnostic]) -> None:
    problem = problem_of({"a.yaml": "pages:\n  x: {}\n", "b.yaml": "pages: {x: {}}\n"})
    assert problem.code.id == "CND-0114"
    assert problem.source == ("desired/b.yaml", 1, 9)
    assert problem.related == (("first here", ("desired/a.yaml", 2, 3)),)
    assert "desired/a.yaml:2:3" in problem.summary


def test_y4_the_same_name_in_one_file(problem_of: Callable[..., Diagnostic]) -> None:
    assert problem_of("pages:\n  x: {}\n  x: {}\n").code.id == "CND-0105"


def test_two_kinds_may_share_a_name(load: Callable[..., Manifests]) -> None:
    assert len(load("pages: {x: {}}\nneedies: {x: {upstream: a}}\n").resources) == 2


def test_a_provider_the_settings_do_not_name(kinds: Kinds, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("needies: {x: {upstream: a}, y: {upstream: b}}\n")
    with pytest.raises(LoadError) as caught:
        load_tree(read_tree(tmp_path, tmp_path), Settings(desired=tmp_path), kinds, 0.0).whole()
    (problem,) = caught.value.diagnostics
    assert problem.code.id == "CND-0206"
    assert "oven" in problem.summary
    assert "oven:" in problem.hint


def test_names_written_as_a_list_are_told_to_be_keys(problem_of: Callable[..., Diagnostic]) -> None:
    assert problem_of("pages:\n  - name: x\n").hint.startswith("names are keys, not items of a list")
