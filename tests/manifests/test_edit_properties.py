"""Properties of edits, tried on generated manifests full of comments, quotes and styles."""

from __future__ import annotations

from copy import deepcopy
from itertools import takewhile
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from conduit.dialect.document import parse
from conduit.errors import ConduitError
from conduit.manifests.edit import remove_value, set_value
from conduit.manifests.rewrite import NOT_IN_PLACE

FEW = settings(max_examples=50, deadline=None)

WORDS = st.sampled_from(
    ["a", "b-1", "no", "x y", "it's", 'say "x"', "# no", "a: b", "8080", "", "é", "\\", "{x}", "-", "l\nm\n"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
)
KEYS = st.sampled_from(["upstream", "port", "x.y", "on", "two words", "Q"])
FIELDS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=10
)
NAMES = st.dictionaries(st.sampled_from(["wiki", "pad", "on", "x-2"]), FIELDS, min_size=1, max_size=3)
SITES = st.dictionaries(st.sampled_from(["services", "routes", "vars2"]), NAMES, min_size=1, max_size=3)
Path = tuple[str | int, ...]


class Writer:
    """Writes data as a person might: `leaves` are the places of its plain values, `comments` all comments."""

    def __init__(self, draw: Any) -> None:
        self.draw, self.text = draw, ""
        self.leaves: dict[Path, tuple[int, int]] = {}
        self.comments: list[str] = []

    def chance(self) -> bool:
        return bool(self.draw(st.integers(0, 3)) == 0)

    def comment(self) -> str:
        self.comments.append(f"# note {len(self.comments)}")
        return self.comments[-1]

    def quoted(self, text: str) -> str:
        if "\n" not in text and self.chance():
            return "'" + text.replace("'", "''") + "'"
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    def flow(self, value: Any, path: Path) -> None:
        start = len(self.text)
        if isinstance(value, (dict, list)):
            pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
            self.text += "{" if isinstance(value, dict) else "["
            for index, (key, inside) in enumerate(pairs):
                self.text += (", " if index else "") + (f"{self.quoted(key)}: " if isinstance(value, dict) else "")
                self.flow(inside, (*path, key))
            self.text += "}" if isinstance(value, dict) else "]"
            return
        if isinstance(value, str):
            self.text += self.quoted(value)
        else:
            self.text += {None: "null", True: "true", False: "false"}.get(value) or repr(value)  # type: ignore[arg-type]
        self.leaves[path] = start, len(self.text)

    def end_line(self) -> None:
        self.text += f"  {self.comment()}\n" if self.chance() else "\n"

    def block(self, value: Any, path: Path, indent: int) -> None:
        step = self.draw(st.integers(2, 4))
        for key, inside in list(value.items() if isinstance(value, dict) else enumerate(value)):
            pad = " " * indent
            self.text += "\n" if self.chance() else ""
            self.text += f"{pad}{self.comment()}\n" if self.chance() else ""
            self.text += pad + (f"{self.quoted(key)}:" if isinstance(value, dict) else "-")
            if isinstance(inside, (dict, list)) and inside and not (len(path) > 1 and self.chance()):
                self.end_line()
                self.block(inside, (*path, key), indent + step)
            else:
                self.text += " "
                self.flow(inside, (*path, key))
                self.end_line()


@st.composite
def manifests(draw: Any) -> Writer:
    writer = Writer(draw)
    writer.block(draw(SITES), (), 0)
    writer.text = writer.text if draw(st.booleans()) else writer.text.removesuffix("\n")
    return writer


def paths(value: Any, below: Path = ()) -> list[Path]:
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [path for key, inside in pairs for path in [(*below, key), *paths(inside, (*below, key))]]


def at(data: Any, path: Path) -> Any:
    for part in path:
        data = data[part]
    return data


def read(text: str) -> Any:
    return parse("a.yaml", text.encode()).data or {}


def kept(before: str, after: str) -> tuple[int, int]:
    """How many characters at the beginning and, beyond these, at the end are the same."""
    start = common(before, after)
    return start, common(before[start:][::-1], after[start:][::-1])


def common(one: str, two: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, two, strict=False)))


@FEW
@given(manifests(), st.data())
def test_a_changed_leaf_changes_its_own_characters_and_no_other(made: Writer, data: Any) -> None:
    assume(made.leaves)
    path = data.draw(st.sampled_from(sorted(made.leaves, key=str)))
    start, end = made.leaves[path]
    new = data.draw(LEAVES)
    after = set_value(parse("a.yaml", made.text.encode()), path, new).decode()
    assert after.startswith(made.text[:start])
    assert after.endswith(made.text[end:])
    wish = deepcopy(read(made.text))
    at(wish, path[:-1])[path[-1]] = new
    assert repr(read(after)) == repr(wish)


@FEW
@given(manifests(), st.data(), FIELDS)
def test_an_added_key_adds_characters_and_takes_none(made: Writer, data: Any, new: Any) -> None:
    before = read(made.text)
    holders = [path for path in [(), *paths(before)] if isinstance(at(before, path), dict) and at(before, path)]
    path = (*data.draw(st.sampled_from(holders)), "added")
    assume(len(path) > 1 or isinstance(new, dict))
    after = set_value(parse("a.yaml", made.text.encode()), path, new).decode()
    assert sum(kept(made.text, after)) == len(made.text)
    wish = deepcopy(before)
    at(wish, path[:-1])["added"] = new
    assert repr(read(after)) == repr(wish)
    assert remove_value(parse("a.yaml", after.encode()), path).decode() == made.text


@FEW
@given(manifests(), st.data())
def test_a_removed_value_takes_its_own_lines_and_the_comment_above(made: Writer, data: Any) -> None:
    before = read(made.text)
    path = data.draw(st.sampled_from(paths(before)))
    assume(len(path) < 3 or len(at(before, path[:-1])) > 1)
    try:
        after = remove_value(parse("a.yaml", made.text.encode()), path).decode()
    except ConduitError as error:
        if error.diagnostics[0].code is not NOT_IN_PLACE:
            raise
        assume(False)
    assert sum(kept(after, made.text)) == len(after)
    wish = deepcopy(before)
    del at(wish, path[:-1])[path[-1]]
    assert read(after) == {section: names for section, names in wish.items() if names}


@FEW
@given(manifests(), st.data(), FIELDS)
def test_whatever_is_set_is_read_back_or_refused(made: Writer, data: Any, new: Any) -> None:
    wish = deepcopy(read(made.text))
    path = data.draw(st.sampled_from(paths(wish)))
    try:
        after = set_value(parse("a.yaml", made.text.encode()), path, new).decode()
    except ConduitError:
        assume(False)
    at(wish, path[:-1])[path[-1]] = new
    assert read(after) == wish
