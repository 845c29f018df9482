"""From bytes to text: one encoding, one line ending, no leftovers of a merge.

The rules keep what a person sees in an editor equal to what is loaded: libyaml would take U+0085 and U+2028 for line
breaks, and reads conflict markers inside a `|` block as ordinary text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from itertools import accumulate
from typing import Final

from conduit.errors import Code, Diagnostic, LoadError
from conduit.model import Source

NOT_TEXT = Code(
    "CND-0102",
    "not plain UTF-8 text",
    "Manifests are UTF-8 text with LF line endings, no byte order mark and no control characters, so that every tool "
    "and every person sees the same lines. Save the file again as UTF-8 with Unix line endings.",
)
MERGE_CONFLICT = Code(
    "CND-0103",
    "merge_conflict",
    "The file holds conflict markers that git left behind. Inside a block of text they would parse, and both sides "
    "would be applied. Resolve the conflict, remove the markers and load again.",
)

UNPRINTABLE: Final = "[^\t\n -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
PRINTABLE_ASCII: Final = bytes([*b"\t\n", *range(ord(" "), ord("~") + 1)])
CONFLICT: Final = r"^ *(?:<{7}|>{7})(?: |$)"
LINE_LIMIT = 200


class SourceText:
    """The text of one manifest, or of a part of it that begins at the line `first`, and how problems are told."""

    def __init__(self, file: str, text: str, first: int = 1) -> None:
        self.file = file
        self.text = text
        self._above = first - 1

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends."""
        return self.text.split("\n")

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(len(line) + 1 for line in self.lines)]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of a character, counted from 1."""
        line = bisect_right(self._starts, offset)
        return line + self._above, offset - self._starts[line - 1] + 1

    def problem(
        self,
        code: Code,
        summary: str,
        line: int,
        column: int,
        hint: str = "",
        related: Iterable[tuple[str, Source]] = (),
        severity: str = "error",
    ) -> Diagnostic:
        """Return a diagnostic that points at `line` and `column`, counted from 1, and shows that line."""
        inside = line - self._above
        shown = self.lines[inside - 1][:LINE_LIMIT] if 0 < inside <= len(self.lines) else ""
        return Diagnostic(code, summary, Source(self.file, line, column), hint, shown, tuple(related), severity)


def decode(file: str, content: bytes) -> SourceText:
    """Return the text of a manifest. Raises `LoadError`, which never echoes content that is not text."""
    if content.startswith(b"\xef\xbb\xbf"):
        raise _refuse(file, content, 0, "the file begins with a byte order mark", "save it as UTF-8 without BOM")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse(file, content, error.start, "the file is not UTF-8 text", "save it as UTF-8") from None
    odd = _unprintable(content, text)
    if odd and odd[0] == "\r":
        hint = "save it with Unix line endings (LF), for example with dos2unix"
        raise _refuse(file, content, content.index(b"\r"), "the file has Windows line endings (CR LF)", hint)
    if odd:
        summary = f"the file holds the character U+{ord(odd[0]):04X}"
        hint = f'remove it, or write it as "\\u{ord(odd[0]):04x}" between double quotes'
        raise _refuse(file, content, len(text[: odd.start()].encode()), summary, hint)
    source = SourceText(file, text)
    _refuse_conflict(source)
    return source


def _unprintable(content: bytes, text: str) -> re.Match[str] | None:
    """Return the first character no manifest may hold. Most hold ASCII alone, which needs no expression compiled."""
    if content.isascii() and not content.translate(None, PRINTABLE_ASCII):
        return None
    return re.search(UNPRINTABLE, text)


def _refuse(file: str, content: bytes, offset: int, summary: str, hint: str) -> LoadError:
    before = content[:offset]
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return LoadError(Diagnostic(NOT_TEXT, summary, Source(file, before.count(b"\n") + 1, column), hint))


def _refuse_conflict(source: SourceText) -> None:
    if "<<<<<<<" not in source.text and ">>>>>>>" not in source.text:
        return
    found = re.search(CONFLICT, source.text, re.MULTILINE)
    if found:
        line = source.text.count("\n", 0, found.start()) + 1
        hint = "resolve the merge and remove the markers"
        raise LoadError(source.problem(MERGE_CONFLICT, "a merge conflict was left in the file", line, 1, hint))
