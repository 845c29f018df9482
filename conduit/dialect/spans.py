"""Where each value of a document begins and ends in its text, and in which style it is written. Pure.

Only editing needs this; loading needs starts alone, which `conduit.dialect.document` keeps.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Final, NamedTuple

from msgspec import Struct
from yaml._yaml import CParser
from yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, StreamEndEvent

ENDS: Final = (MappingEndEvent, SequenceEndEvent)


class Style(Enum):
    """How a value is written; BLOCK and FLOW are collections, TEXT is a scalar below `|` or `>`."""

    PLAIN = ""
    SINGLE = "'"
    DOUBLE = '"'
    TEXT = "|"
    BLOCK = "block"
    FLOW = "flow"
    ALIAS = "*"


class Span(Struct):
    """One value: its characters are `start` to `end`, without blank lines after it. A key's `text` is its name.

    `shared` tells of an anchor, an alias or a merge key: what is written here stands, or comes from, elsewhere too.
    """

    start: int
    end: int
    style: Style
    shared: bool
    text: str = ""
    members: list[Member] = []

    @property
    def any_shared(self) -> bool:
        """Whether anything in this value is shared."""
        return self.shared or any(member.value.any_shared for member in self.members)


class Member(NamedTuple):
    """One entry of a mapping, or one item of a list, which has no key."""

    key: Span | None
    value: Span

    @property
    def name(self) -> str:
        """The text of its key."""
        return self.key.text if self.key else ""

    @property
    def start(self) -> int:
        """Where it begins; the dash of an item is not part of it."""
        return self.key.start if self.key else self.value.start


def spans(text: str) -> Span | None:
    """Return the root of a document that parses, None when it holds no value."""
    take = CParser(text.encode()).get_event
    take()
    if type(take()) is StreamEndEvent:
        return None
    return _node(text, take, take())


def _node(text: str, take: Callable[[], Any], event: Any) -> Span:
    start, end = event.start_mark.index, event.end_mark.index
    if type(event) is AliasEvent:
        return Span(start, end, Style.ALIAS, shared=True)
    shared = event.anchor is not None
    if type(event) is ScalarEvent:
        style = Style.TEXT if event.style in ("|", ">") else Style(event.style or "")
        end -= len(text[start:end]) - len(text[start:end].rstrip("\n")) if style is Style.TEXT else 0
        return Span(start, end, style, shared, event.value)
    members, end = _members(text, take, keyed=type(event) is MappingStartEvent)
    shared = shared or any(member.name == "<<" for member in members)
    if event.flow_style:
        return Span(start, end, Style.FLOW, shared, members=members)
    return Span(start, members[-1].value.end, Style.BLOCK, shared, members=members)


def _members(text: str, take: Callable[[], Any], *, keyed: bool) -> tuple[list[Member], int]:
    members: list[Member] = []
    while type(event := take()) not in ENDS:
        key = _node(text, take, event) if keyed else None
        members.append(Member(key, _node(text, take, take() if keyed else event)))
    return members, event.end_mark.index
