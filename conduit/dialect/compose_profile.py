"""The Compose profile of the YAML dialect: octal numbers, merge keys and many aliases; all else as in manifests.

Compose files are written for Go's YAML 1.1-like reader: `0440` is an octal number and `<<` merges mappings
(https://yaml.org/type/merge.html): a key of the mapping itself wins, then the first merged mapping that has it.
"""

from __future__ import annotations

import re
from typing import Any, Final

from conduit.dialect.builder import ALIAS, Builder
from conduit.dialect.text import SourceText
from conduit.patterns import pattern

FIELD: Final = "compose"
"""The field of a declared name below which the profile holds, and nothing is filled in for `{{ }}`."""
NAME_DEPTH: Final = 3
"""How deep the fields of a declared name lie in a manifest: below its kind and its name."""
MERGE: Final = "<<"
OCTAL = pattern(r"0[0-7]+", re.ASCII)
MAX_ALIASES: Final = 1_000


class ComposeBuilder(Builder):
    """Builds one Compose file; an alias has the places of what it repeats."""

    max_aliases = MAX_ALIASES

    def __init__(self, source: SourceText, content: bytes) -> None:
        super().__init__(source, content)
        self._anchored: dict[str, int] = {}

    def special(self, event: Any, at: int, depth: int) -> Any:
        """Return a collection, or a scalar with a tag or an anchor."""
        value = super().special(event, at, depth)
        if event.anchor is not None:
            self._anchored[event.anchor] = at
        return value

    def alias(self, event: Any) -> Any:
        """Return the value an alias repeats."""
        value = super().alias(event)
        inside = self.children.get(self._anchored.get(event.anchor, -1))
        if inside is not None:
            self.children[len(self.marks) - 1] = inside
        return value

    def scalar(self, event: Any) -> Any:
        """Return the value of a scalar; plain octal digits are a number."""
        if event.implicit[0] and OCTAL.fullmatch(event.value) and len(event.value) < 20:
            return int(event.value, 8)
        return super().scalar(event)

    def key(self, event: Any, depth: int) -> str:
        """Return the key that begins with `event`."""
        return MERGE if getattr(event, "value", None) == MERGE else super().key(event, depth)

    def mapping(self, at: int, depth: int) -> dict[str, Any]:
        """Return a mapping with its merge key carried out."""
        data = super().mapping(at, depth)
        if MERGE in data:
            self._merge(data, self.children[at])
        return data

    def _merge(self, data: dict[str, Any], places: dict[str | int, int]) -> None:
        value, origin = data.pop(MERGE), places.pop(MERGE)
        listed = isinstance(value, list)
        sources = [(item, self.children[origin][index]) for index, item in enumerate(value)] if listed else []
        for merged, index in sources or [(value, origin)]:
            if not isinstance(merged, dict):
                self._complain_at(index)
                continue
            for key in merged.keys() - data.keys():
                data[key] = merged[key]
                places[key] = self.children[index][key]

    def _complain_at(self, index: int) -> None:
        place = self.source.place(self.marks[index])
        hint = "write <<: *anchor, or <<: [*first, *second]"
        self.problems.append(self.source.problem(ALIAS, "a merge key (<<) takes mappings", *place, hint))


class ManifestBuilder(ComposeBuilder):
    """Builds a manifest that may hold applications: the profile holds below the field `compose` of a name alone."""

    max_aliases = Builder.max_aliases

    def key(self, event: Any, depth: int) -> str:
        """Return the key that begins with `event`, and note whether an application begins or ends with it."""
        if depth > NAME_DEPTH and self._inside:
            return super().key(event, depth)
        text = Builder.key(self, event, depth)
        if depth <= NAME_DEPTH:
            self.max_aliases = MAX_ALIASES if depth == NAME_DEPTH and text == FIELD else Builder.max_aliases
        return text

    def scalar(self, event: Any) -> Any:
        """Return the value of a scalar."""
        return super().scalar(event) if self._inside else Builder.scalar(self, event)

    def mapping(self, at: int, depth: int) -> dict[str, Any]:
        """Return a mapping; outside of applications a merge key is a problem already told."""
        return super().mapping(at, depth) if self._inside else Builder.mapping(self, at, depth)

    @property
    def _inside(self) -> bool:
        return self.max_aliases == MAX_ALIASES
