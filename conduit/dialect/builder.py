"""From libyaml's events to plain data, the place of each node, and every break of the dialect's rules.

Events instead of the composer, because they cost a seventh and let every limit act while the file is still being read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from yaml._yaml import CParser
from yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, StreamEndEvent

from conduit.dialect.scalars import TEMPLATE, resolve
from conduit.dialect.text import SourceText
from conduit.dialect.words import shown
from conduit.errors import Code, Diagnostic, LoadError
from conduit.model import Source

DUPLICATE_KEY = Code(
    "CND-0105",
    "the same key twice",
    "A mapping has one value per key. YAML readers silently keep the last of two, so that one of them has no effect; "
    "conduit refuses both. Remove or rename one.",
)
TAG = Code(
    "CND-0106",
    "yaml_tag",
    "Tags such as !!python/object or !vault make a YAML reader build objects, and are refused, the standard ones too. "
    "Quote a value to make it text; use {secret: NAME} for secrets.",
)
ALIAS = Code(
    "CND-0107",
    "aliases beyond the limit",
    "Anchors and aliases (&a, *a) repeat a value. They must name an anchor above them, must not contain themselves, "
    "and are limited to 50 per file and 100,000 repeated values, because a few bytes can stand for gigabytes. Merge "
    "keys (<<) are refused: which of two values holds is too easily misread. Use variables instead.",
)
TOO_MUCH = Code(
    "CND-0108",
    "too_many",
    "Manifests are limited: 16 MiB and 1,000,000 values per file, 50 levels of nesting, 100,000 files and 256 MiB in "
    "all. The limits keep a broken generator from taking the machine's memory. Split the file.",
)
KEY_NOT_TEXT = Code(
    "CND-0109",
    "a key that is not text",
    "Keys are text. A plain number, true, false, null or a collection as a key is refused, because it would not "
    'survive JSON. Quote it: "8080".',
)
NUMBER = Code(
    "CND-0110",
    "a number out of range",
    "Numbers are finite and fit in 64 bits, so that every tool reads the same value. Quote the value if text is meant.",
)
SEVERAL_DOCUMENTS = Code(
    "CND-0111",
    "several documents in one file",
    "A manifest is one YAML document. What follows a second --- would be ignored by many tools. Use one file for each, "
    "or put the sections into one document.",
)

MAX_NODES: Final = 1_000_000
MAX_DEPTH: Final = 50
SECTION_DEPTH: Final = 1
"""How deep the keys of sections lie in a manifest."""
MAX_ALIASES: Final = 50
MAX_REPEATED: Final = 100_000


class Builder:
    """Builds one document. Recursive, because depth is bounded by `MAX_DEPTH`."""

    max_aliases = MAX_ALIASES

    def __init__(self, source: SourceText, content: bytes) -> None:
        self.source = source
        self.next: Callable[[], Any] = CParser(content).get_event
        self.problems: list[Diagnostic] = []
        self.marks: list[int] = []
        self.children: dict[int, dict[str | int, int]] = {}
        self.templated = False
        self.plain_keys: set[str] = set()
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.aliases = 0
        self.repeated = 0

    def document(self) -> Any:
        """Return the data of the only document; None for an empty stream."""
        self.next()
        if type(self.next()) is StreamEndEvent:
            return None
        data = self.node(self.next(), 0)
        self.next()
        extra = self.next()
        if type(extra) is not StreamEndEvent:
            self.complain(SEVERAL_DOCUMENTS, "a second document begins here", extra, "use one file for each")
        return data

    def node(self, event: Any, depth: int) -> Any:
        """Return the value that begins with `event`, and record where it stands."""
        at = len(self.marks)
        if at >= MAX_NODES:
            self.stop(TOO_MUCH, f"more than {MAX_NODES:,} values in one file", event, "split the file")
        self.marks.append(event.start_mark.index)
        if type(event) is ScalarEvent:
            if event.tag is None and event.anchor is None:
                return self.scalar(event)
        elif type(event) is AliasEvent:
            return self.alias(event)
        return self.special(event, at, depth)

    def special(self, event: Any, at: int, depth: int) -> Any:
        """Return a collection, or a scalar with a tag or an anchor."""
        if event.tag is not None:
            self.complain(TAG, f"the tag {shown(event.tag)} is refused", event, "quote the value to make it text")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        before = self.repeated
        value: Any
        if type(event) is ScalarEvent:
            value = self.scalar(event)
        elif depth >= MAX_DEPTH:
            self.stop(TOO_MUCH, f"nested deeper than {MAX_DEPTH} levels", event, "flatten the structure")
        elif type(event) is MappingStartEvent:
            value = self.mapping(at, depth + 1)
        else:
            value = self.sequence(at, depth + 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, len(self.marks) - at + self.repeated - before)
        return value

    def mapping(self, at: int, depth: int) -> dict[str, Any]:
        """Return a mapping; its start event is already taken."""
        data: dict[str, Any] = {}
        places = self.children[at] = {}
        while type(event := self.next()) is not MappingEndEvent:
            self.marks.append(event.start_mark.index)
            key = self.key(event, depth)
            index = len(self.marks)
            value = self.node(self.next(), depth)
            if key not in data:
                data[key] = value
                places[key] = index
                continue
            self.duplicate(key, places[key], index)
            if depth == SECTION_DEPTH:
                self.join(data[key], places[key], value, index)
        return data

    def sequence(self, at: int, depth: int) -> list[Any]:
        """Return a list; its start event is already taken."""
        data: list[Any] = []
        places = self.children[at] = {}
        while type(event := self.next()) is not SequenceEndEvent:
            places[len(data)] = len(self.marks)
            data.append(self.node(event, depth))
        return data

    def scalar(self, event: Any) -> Any:
        """Return the value of a scalar, by the core schema when it is plain."""
        text: str = event.value
        if "{" in text and TEMPLATE.search(text):
            self.templated = True
        if not event.implicit[0]:
            return text
        try:
            return resolve(text)
        except ValueError as error:
            self.complain(NUMBER, str(error), event, f'quote it if text is meant: "{text[:40]}"')
            return None

    def key(self, event: Any, depth: int) -> str:
        """Return the key that begins with `event`; anything but text is a problem."""
        if type(event) is not ScalarEvent or event.tag is not None or event.anchor is not None:
            hint = 'write plain or quoted text; a value with {{ }} needs quotes: "{{ name }}"'
            self.complain(KEY_NOT_TEXT, "the key is not plain text", event, hint)
            return repr(self.node(event, depth))
        text: str = event.value
        if event.implicit[0] and text == "<<":
            self.complain(ALIAS, "merge keys (<<) are refused", event, "spell the keys out, or use variables")
        elif event.implicit[0] and text not in self.plain_keys:
            if not _is_text(text):
                self.complain(KEY_NOT_TEXT, f"the key {shown(text)} is not text", event, f'quote it: "{text[:40]}"')
            self.plain_keys.add(text)
        return text

    def alias(self, event: Any) -> Any:
        """Return the value an alias repeats."""
        known = self.anchors.get(event.anchor)
        if known is None:
            inside = event.anchor in self.anchors
            what = "contains itself" if inside else "names no anchor above it"
            self.complain(ALIAS, f"the alias {shown('*' + event.anchor)} {what}", event, "write the value out")
            return None
        value, size = known
        self.aliases += 1
        self.repeated += size
        if self.aliases > self.max_aliases or self.repeated > MAX_REPEATED:
            limit = f"{self.max_aliases:,} aliases or {MAX_REPEATED:,} repeated values"
            self.stop(ALIAS, f"more than {limit} in one file", event, "write the values out, or use variables")
        return value

    def duplicate(self, key: str, first: int, again: int) -> None:
        """Record that `key` stands in one mapping twice, given the indices of both values."""
        before, here = (self.source.place(self.marks[index - 1]) for index in (first, again))
        summary = f"the key {shown(key)} stands here again; the first is on line {before[0]}"
        related = (("first here", Source(self.source.file, *before)),)
        self.problems.append(
            self.source.problem(DUPLICATE_KEY, summary, *here, "remove or rename one of them", related)
        )

    def join(self, section: Any, first: int, more: Any, again: int) -> None:
        """Take the names of a section that stands twice into the first one, so that nothing in them goes untold."""
        places, added = self.children.get(first), self.children.get(again)
        if not (isinstance(section, dict) and isinstance(more, dict) and places and added):
            return
        for name, value in more.items():
            if name in section:
                self.duplicate(name, places[name], added[name])
            else:
                section[name], places[name] = value, added[name]

    def complain(self, code: Code, summary: str, event: Any, hint: str) -> None:
        """Record a problem at the place of `event` and go on."""
        place = self.source.place(event.start_mark.index)
        self.problems.append(self.source.problem(code, summary, *place, hint))

    def stop(self, code: Code, summary: str, event: Any, hint: str) -> NoReturn:
        """Record a problem and end the reading. Raises `LoadError`."""
        self.complain(code, summary, event, hint)
        raise LoadError(self.problems)


def _is_text(plain: str) -> bool:
    try:
        return isinstance(resolve(plain), str)
    except ValueError:
        return False
