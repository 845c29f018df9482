"""An edited manifest is read near the edit alone, and nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from conduit.dialect import document
from conduit.dialect.document import Document
from conduit.manifests import cache, pieces, places
from conduit.manifests.load import Loaded, load
from conduit.manifests.tree import ManifestFile, Tree
from conduit.model import Key
from tests.manifests.page_kind import KINDS, NOW, settings_at

VALUES = (
    "{port: 80}", "{upstream: '{{ h }}'}", "", "x", "{prot: 1}", "{compose: {mode: 0440}}", "&a {port: 1}", "*a", "[",
    '"', "'", '"  b: {}', "|", ">-", "# note", "{}  # note", "!!map {}", "{compose: '{{ h }}'}", '{"compose": {x: 07}}',
)  # fmt: skip
FIELDS = (
    "\n    port: 80", "\n    upstream: |\n      a\n\n      b: c", "\n    upstream: plain\n      goes: on",
    "\n    backends: [a,\n  b: 1]", "\n    upstream: 'quoted\n  c: {}\n  d: {}\n'",
    '\n    upstream: "quoted\npages:\n  a: {}"', "\n    upstream: |+\n\n", "\n  - x",
    "\n    compose:\n      a: '{{ h }}'", "\n   port: 80\n    live: true", "\n    # note\n# note\n\n    port: 1",
    "\n\t", "\n    upstream: {\n  e: 1\n}", "\n  ? f\n  : {}", "\n    a: é\n    b: <<", "\n    prot: 1\n    ratio: x",
    "\n    upstream: >\n\n",
)  # fmt: skip
NAMES = st.sampled_from([*"abcdefghijklmnop", "'q'", "a.b", "8080", "true", "<<", "? r"])
ENTRY = st.tuples(NAMES, st.sampled_from([f" {value}" for value in VALUES]) | st.sampled_from(FIELDS)).map(
    lambda parts: f"{parts[0]}:{parts[1]}"
)
GOOD = st.tuples(st.integers(0, 99), st.sampled_from([" {}", " {port: 80}", FIELDS[0], FIELDS[1], FIELDS[2]])).map(
    lambda parts: f"n{parts[0]}:{parts[1]}"
)
ODD = st.sampled_from(
    ["", "# note", "  # note", "---", "...", "odd", "\tx", "<<<<<<< HEAD", "vars: {h: x}", "\r", "%YAML 1.2"]
)


def section(head: str, entries: list[str]) -> str:
    """A section with its entries, each indented by two."""
    return "\n".join([head, *(f"  {entry}" for entry in entries)])


SECTION = st.builds(
    section,
    st.sampled_from(
        ["pages:"] * 4 + ["needies:", "pages: # note", "vars:", "pages:\n", "pages: {", "pages: |", "nothing:"]
    ),
    st.lists(GOOD | GOOD | ENTRY, max_size=8),
)
TEXT = st.lists(SECTION | SECTION | SECTION | ODD, min_size=1, max_size=4).map("\n".join)
PLAIN = st.lists(GOOD, min_size=3, max_size=10, unique_by=lambda each: each.partition(":")[0]).map(
    lambda entries: section("vars: {h: x}\npages:", entries)
)
LINES = st.sampled_from(
    ["", "  z: {}", "  n1: {}", "    port: 1", "pages:", "vars:", "#", '"', "'", "]", *("  " + f for f in FIELDS)]
)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, str]:
    """A manifest, and what an edit made of it: lines put in, taken out or changed, characters, or its end cut off."""
    before = draw(PLAIN | TEXT)
    lines = before.split("\n")
    at, upto = sorted((draw(st.integers(0, len(lines))), draw(st.integers(0, len(lines)))))
    match draw(st.integers(0, 4)):
        case 0:
            lines[at:at] = draw(st.lists(LINES | ENTRY.map("  {}".format) | GOOD.map("  {}".format), max_size=3))
        case 1:
            del lines[at:upto]
        case 2:
            lines[at : at + 1] = [draw(LINES)]
        case 3:
            place = draw(st.integers(0, len(before)))
            return before, before[:place] + draw(st.sampled_from([*"\"'{}[]:#|>&*\n\t -é", ""])) + before[place + 1 :]
        case _:
            return before, before[: draw(st.integers(0, len(before)))]
    return before, "\n".join(lines)


@pytest.fixture
def fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut small files too, before every second entry."""
    monkeypatch.setattr(pieces, "SMALL", 0)
    monkeypatch.setattr(pieces, "ENTRIES", 2)


def loaded(text: str, cache: Path | None) -> Loaded:
    """Load a site of one manifest."""
    content = text.encode()
    file = ManifestFile("desired/a.yaml", content, sha256(content).hexdigest())
    return load(Tree([file], [], 0.0, Path("/")), settings_at(Path("/")), KINDS, NOW, cache)


def told(found: Loaded) -> list[Any]:
    """All that anybody can see of what was loaded: resources in their order, problems, and places below each name."""
    manifests = found.manifests
    below = [manifests.locate(key, "upstream") for key in manifests.resources]
    return [list(manifests.resources.items()), found.problems, found.broken, manifests.warnings, below]


@pytest.mark.usefixtures("fine")
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(edited())
@example(('pages:\n  a: "x\n  b: {}\n  c: {}\n"\n  d: {}\n', "pages:\n  a: x\n  b: {}\n  c: {}\n\n  d: {}\n"))
@example(("pages:\n  a: {}\n  b: {}\n  c: {}\n", 'pages:\n  a: "\n  b: {}\n  c: {}\n'))
@example(("pages:\n  a: {}\n  b: {}\n  c: {}\n", "pages:\n  a: {}\n  b: {}\n  c: {}\n  a: {}\n"))
@example(("pages:\n  a: {}\n  b: {}\nvars: {}\n", "pages:\n  a: {}\nvars: {}\npages:\n  b: {}\n"))
@example(("pages: {}\n", '  a:\n    upstream: "x\npages:\n  a: {}"\n  n0: {}\n  n1: {}\n  n2: {}\n'))
@example(("pages:\n  a: {}\n", "pages:\n  a: {}\n...\nvars:\n  h: x\n"))
@example(("pages:\n  a: {}\n  b: {}\n  c: {}\n", "pages:\n  a: &x {}\n  b: {}\n  c: *x\n"))
def test_a_file_read_by_its_pieces_is_what_it_is_read_whole(texts: tuple[str, str]) -> None:
    with TemporaryDirectory() as cache:
        for text in (*texts, texts[0]):
            assert told(loaded(text, Path(cache))) == told(loaded(text, None))


MANY = "vars: {h: x}\npages:\n" + "".join(f"  p{n}:\n    port: {n + 1}\n    upstream: 'h{n}'\n" for n in range(600))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were parsed at a time."""
    seen: list[int] = []

    def spy(file: str, content: bytes, read: Callable[..., Document] = document.read) -> Document:
        seen.append(len(content))
        return read(file, content)

    monkeypatch.setattr(cache, "read", spy)
    monkeypatch.setattr(places, "read", spy)
    return seen


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("port: 301\n", "port: 999\n"),
        lambda text: text.replace("  p300:", "  new: {}\n  p300:"),
        lambda text: text.replace("  p300:\n    port: 301\n    upstream: 'h300'\n", ""),
        lambda text: "# a note\n\n" + text,
        lambda text: text + "  last: {}\n",
    ],
)  # fmt: skip
def test_only_what_stands_near_an_edit_is_parsed(parsed: list[int], tmp_path: Path, edit: Callable[[str], str]) -> None:
    loaded(MANY, tmp_path)
    parsed.clear()
    text = edit(MANY)
    found = loaded(text, tmp_path)
    assert 0 < sum(parsed) < len(MANY) / 4
    assert list(found.manifests.resources.items()) == list(loaded(text, None).manifests.resources.items())


def test_a_place_is_found_without_reading_the_rest(parsed: list[int], tmp_path: Path) -> None:
    loaded(MANY, tmp_path)
    parsed.clear()
    found = loaded("\n" + MANY, tmp_path).manifests
    assert found.locate(Key("page", "p300"), "upstream") == ("desired/a.yaml", 905 + 1, 15)
    assert found.written(Key("page", "p599")).source("port") == ("desired/a.yaml", 1802, 11)
    assert sum(parsed) < len(MANY) / 4


def test_a_problem_in_a_piece_shows_the_line_of_the_file(tmp_path: Path) -> None:
    loaded(MANY, tmp_path)
    (problem,) = loaded(MANY.replace("port: 301\n", "prot: 301\n"), tmp_path).problems
    assert problem.source == ("desired/a.yaml", 904, 5)
    assert problem.line == "    prot: 301"


def test_the_values_of_all_pieces_are_limited_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(MANY, tmp_path)
    monkeypatch.setattr("conduit.dialect.builder.MAX_NODES", 3000)
    monkeypatch.setattr(pieces, "MAX_NODES", 3000)
    (problem,) = loaded(MANY, tmp_path).problems
    assert problem.code.id == "CND-0108"


@pytest.mark.usefixtures("fine")
def test_the_aliases_of_a_file_are_limited_together(tmp_path: Path) -> None:
    text = "pages:\n" + "".join(f"  p{n}: {{backends: [&a x, *a]}}\n" for n in range(60))
    (problem,) = loaded(text, tmp_path).problems
    assert problem.code.id == "CND-0107"


def test_what_an_entry_needs_filled_in_does_not_depend_on_its_neighbours() -> None:
    alone = "pages:\n  x: {compose: '{{ h }}'}\n"
    together = alone + "  y: {upstream: '{{ h }}'}\n"
    assert loaded(alone, None).problems[0].summary == loaded(together, None).problems[0].summary
