"""The YAML dialect of every manifest: YAML 1.2 core scalars, unique text keys, no tags, no merge keys, few aliases.

All tags are refused, the standard ones too: quoting says the same.
"""

from __future__ import annotations

from typing import Any, Final

import yaml
from msgspec import Struct
from msgspec.structs import replace

from conduit.dialect.builder import DUPLICATE_KEY, SEVERAL_DOCUMENTS, Builder
from conduit.dialect.collector import collector_paused
from conduit.dialect.compose_profile import FIELD, ManifestBuilder
from conduit.dialect.text import SourceText, decode
from conduit.errors import Code, Diagnostic, LoadError

NOT_YAML = Code(
    "CND-0104",
    "not valid YAML",
    "The file breaks the syntax of YAML at the place shown; the mistake may be a line or two above. Frequent causes "
    "are a tab in the indentation, a missing space after a colon, and an unquoted value that begins with @, %, & or *. "
    "Names that end well before that place are checked; what stands at it and below is not.",
)

ALIASES: Final = ("while scanning an alias", "while scanning an anchor")
LOOK: Final = "look at this line and the ones above it"
HINTS: Final = {
    "did not find expected key": "indent this line like its neighbours, and close each quote and bracket above it",
    "mapping values are not allowed in this context": "quote the value on this line: it holds a colon and a space",
}
"""What to do about some of libyaml's messages."""


class Document(Struct, frozen=True):
    """One parsed file: its data and where each node of it stands.

    `marks` holds the offset in the text of each node, in the order of the file. `children` maps a collection's index in
    `marks` to the index of each member's value, by key or list position; a key stands just before its value.
    """

    source: SourceText
    data: Any
    marks: list[int]
    children: dict[int, dict[str | int, int]]
    templated: bool
    """Whether any text in it looks like a template."""
    problems: list[Diagnostic]
    unread: list[Diagnostic]
    """Those problems that leave a value in it unknown; of a key that stands twice the first value is known."""
    torn: bool
    """Whether the data is not all there is: what stands whole before a break of syntax, or the first document."""

    def place(self, index: int) -> tuple[int, int]:
        """Return line and column of a node, counted from 1."""
        return self.source.place(self.marks[index])

    def find(self, path: tuple[str | int, ...]) -> int:
        """Return the index of the value at `path`, or of its deepest part that exists."""
        at = 0
        for part in path:
            inside = self.children.get(at, {})
            if part not in inside:
                break
            at = inside[part]
        return at

    def follow(self, at: int, path: str) -> int:
        """Return the index of the value at a dotted path below node `at`, or of its deepest part that exists.

        Keys may hold dots themselves; the longest key that fits is taken.
        """
        while path:
            fits = [part for part in self.children.get(at, {}) if f"{path}.".startswith(f"{part}.")]
            if not fits:
                break
            longest = max(fits, key=lambda part: len(str(part)))
            at = self.children[at][longest]
            path = path[len(str(longest)) + 1 :]
        return at


APPLICATION: Final = FIELD.encode()
ESCAPE: Final = b"\\"
"""What spells a character of a key in another way, between double quotes."""


def parse(file: str, content: bytes) -> Document:
    """Read one YAML document. Raises `LoadError` with every problem found up to the first break of syntax."""
    document = read(file, content)
    if document.problems:
        raise LoadError(document.problems)
    return document


def read(file: str, content: bytes) -> Document:
    """Read one YAML document as far as it can be read, with what is wrong with it.

    Of a key that stands twice the first value counts. Raises `LoadError` for what is no text or beyond the limits.
    """
    source = decode(file, content)
    builder = (ManifestBuilder if _may_hold_application(content) else Builder)(source, content)
    try:
        with collector_paused():
            return _document(builder, builder.document())
    except yaml.YAMLError as error:
        problems = [*builder.problems, syntax_problem(source, error)]
    from conduit.dialect.torn import whole_part

    whole = type(builder)(source, whole_part(source.text).encode())
    try:
        return replace(_document(whole, whole.document()), problems=problems, torn=True)
    except yaml.YAMLError:
        return Document(source, None, [], {}, False, problems, [], torn=True)


def _may_hold_application(content: bytes) -> bool:
    """Whether any key can be the one that an application is written below."""
    return APPLICATION in content or ESCAPE in content


def _document(builder: Builder, data: Any) -> Document:
    problems = builder.problems
    unread = [problem for problem in problems if problem.code not in (DUPLICATE_KEY, SEVERAL_DOCUMENTS)]
    torn = any(problem.code is SEVERAL_DOCUMENTS for problem in problems)
    return Document(builder.source, data, builder.marks, builder.children, builder.templated, problems, unread, torn)


def syntax_problem(source: SourceText, error: yaml.YAMLError) -> Diagnostic:
    """Return the diagnostic of a break of syntax."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
    told = source.problem(NOT_YAML, f"not valid YAML: {problem}", line, column)
    indent = told.line[: len(told.line) - len(told.line.lstrip())]
    hint = "indent with spaces, never with tabs" if "\t" in indent else HINTS.get(problem, LOOK)
    if (getattr(error, "context", None) or "") in ALIASES:
        hint = 'quote a value that begins with * or &, for example "*.home.arpa"'
    return source.problem(NOT_YAML, told.summary, line, column, hint)
