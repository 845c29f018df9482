"""How a change of one value changes the text around it: lines, commas, comments, indentation. Pure.

Block style is edited by lines, flow style between commas. What cannot be done without touching a comment that belongs
to something else raises `NotInPlace`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from conduit.dialect import emit
from conduit.dialect.spans import Span, Style

SPREAD = 2
"""Down to this depth mappings are written over several lines: sections and names, not fields."""


class Splice(NamedTuple):
    """Write `text` in the place of the characters `start` to `end`."""

    start: int
    end: int
    text: str


class Slot(Struct, frozen=True):
    """The place of a value: `head` is where the text after its colon or dash begins, `column` that of key or dash."""

    head: int
    column: int
    flow: bool
    item: bool


class NotInPlace(Exception):
    """The text is laid out so that the edit cannot be made without touching something else; `at` is where."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.at = at


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Return text with all splices made. Raises `NotInPlace` when two of them meet."""
    parts, done = [], 0
    for start, end, new in sorted(splices, key=lambda splice: splice[:2]):
        if start < done:
            raise NotInPlace("two changes meet in one place", start)
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


class Layout:
    """The text of one manifest and its habits: how far members are indented, and lists below their key."""

    def __init__(self, text: str, root: Span | None) -> None:
        self._text = text
        self._habits = emit.Habits(ended=not text or text.endswith("\n"))
        for member in reversed([each for span in _blocks(root) for each in span.members]):
            deeper = self._column(member.value.start) - self._column(member.start)
            if member.key and member.value.style is Style.BLOCK and member.value.members[0].key:
                self._habits = replace(self._habits, step=deeper)
            elif member.key and member.value.style is Style.BLOCK:
                self._habits = replace(self._habits, dash=deeper)

    def slot(self, parent: Span, index: int) -> Slot:
        """Return where the value of a member stands."""
        key, value = parent.members[index]
        flow = parent.style is Style.FLOW
        if key is None:
            dash = value.start if flow else self._dash_of(parent, value)
            return Slot(dash if flow else dash + 1, self._column(dash), flow, item=True)
        colon = self._text.find(":", key.end, value.start + 1)
        if colon < 0:
            raise NotInPlace("a key without a colon", key.start)
        return Slot(colon + 1, self._column(key.start), flow, item=False)

    def begin(self, root: Span | None, wish: dict[str, Any]) -> Splice:
        """Write all sections of a manifest that holds none of them yet."""
        text = emit.block(wish, 0, self._habits, SPREAD) if wish else "{}"
        if root:
            return Splice(root.start, root.end, text)
        end = len(self._text)
        newline = "\n" if end and not self._text.endswith("\n") else ""
        return Splice(end, end, f"{newline}{text}\n")

    def replace(self, span: Span, slot: Slot, new: Any) -> Iterator[Splice]:
        """Write a value anew. A comment in the line of its key stays there."""
        head = slot.head
        below = not slot.flow and "\n" in self._text[head : span.start]
        line_end = self._line_end(head if below else span.end)
        commented = "#" in self._text[head if below else span.end : line_end]
        if slot.flow or emit.is_short(new, self._habits) or (commented and (isinstance(new, str) or not below)):
            text = emit.inline(new, span.style)
            if below:
                yield Splice(head, head, f" {text}")
                yield Splice(line_end, self._line_end(span.end), "")
            elif span.start == span.end:
                yield Splice(head, head, f" {text}")
            else:
                yield Splice(span.start, span.end, text)
            return
        text = self._after(new, slot)
        end = self._line_end(span.end) if below else span.end
        yield Splice(line_end if below and text[0] == "\n" else head, end, text)

    def _after(self, new: Any, slot: Slot) -> str:
        """Return what follows a colon or a dash over several lines."""
        if slot.item:
            return emit.item(new, slot.column, self._habits)[1:]
        return emit.after_key(new, slot.column, self._habits)

    def remove(self, span: Span, gone: Sequence[int]) -> Iterator[Splice]:
        """Take members out, in block style with their lines and the comment lines directly above."""
        kept = [index for index in range(len(span.members)) if index not in gone]
        for index in gone:
            if span.style is Style.BLOCK:
                start, end = self._lines_of(span, index)
            elif any(before < index for before in kept):
                start, end = span.members[index - 1].value.end, span.members[index].value.end
            else:
                start, end = span.members[index].start, span.members[index + 1].start
            if span.style is Style.FLOW and "#" in self._text[start:end]:
                raise NotInPlace("a comment stands inside braces or brackets", start)
            yield Splice(start, end, "")

    def add_members(self, span: Span, kept: Sequence[int], added: dict[str, Any], depth: int) -> Iterator[Splice]:
        """Write new keys after the last one that stays; `depth` is how deep the mapping lies."""
        if not added:
            return
        if span.style is Style.FLOW:
            at = span.members[kept[-1]].value.end
            yield Splice(at, at, "".join(f", {emit.inline(k)}: {emit.inline(v)}" for k, v in added.items()))
            return
        column = self._column(span.start)
        at, pad = self._line_end(span.members[kept[-1]].value.end), "\n" + " " * column
        opened = SPREAD - depth
        texts = [pad + emit.member(key, value, column, self._habits, opened) for key, value in added.items()]
        yield Splice(at, at, "".join(texts))

    def add_items(self, span: Span, index: int, added: Sequence[Any]) -> Iterator[Splice]:
        """Write new items so that the first of them becomes item `index`."""
        if not added:
            return
        flow, column = span.style is Style.FLOW, self._column(span.start)
        texts = [emit.inline(v) if flow else emit.item(v, column, self._habits) for v in added]
        joint = ", " if flow else "\n" + " " * column
        if index == 0:
            at = span.members[0].start if flow else self._lines_of(span, 0)[0]
            yield Splice(at, at, joint.join(texts) + joint if flow else joint[1:] + joint.join(texts) + "\n")
        else:
            at = span.members[index - 1].value.end
            at = at if flow else self._line_end(at)
            yield Splice(at, at, "".join(joint + text for text in texts))

    def _lines_of(self, span: Span, index: int) -> tuple[int, int]:
        """Return the lines of a member: from the comments directly above it to its end."""
        key, value = span.members[index]
        begin = key.start if key else self._dash_of(span, value)
        start, column = self._line_start(begin), self._column(begin)
        if self._text[start:begin].strip():
            raise NotInPlace("it begins in the line of something else", begin)
        while start and self._is_comment(above := self._line_start(start - 1), column):
            start = above
        end = self._line_end(value.end)
        return (start, end + 1) if end < len(self._text) else (max(start - 1, 0), end)

    def _dash_of(self, parent: Span, item: Span) -> int:
        """Return where the dash of a block list's item stands: in the list's column, in the item's line or above."""
        column, start = self._column(parent.start), self._line_start(item.start)
        while self._text[start + column : start + column + 1] != "-":
            start = self._line_start(start - 1)
        return start + column

    def _is_comment(self, line: int, column: int) -> bool:
        return self._text.startswith(" " * column + "#", line)

    def _column(self, at: int) -> int:
        return at - self._line_start(at)

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _line_end(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end


def _blocks(span: Span | None) -> Iterator[Span]:
    """Yield every mapping and list in block style."""
    if span and span.style is Style.BLOCK:
        yield span
        for member in span.members:
            yield from _blocks(member.value)
