"""YAML values that know where they were written, and the list of everything wrong with them. Pure.

Merging, extending and normalising move values about; each keeps its own place, so a problem found at the end still
points at the line a person wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from conduit.dialect.text import SourceText
from conduit.errors import Code, Diagnostic
from conduit.model import Source

Path = tuple[str | int, ...]


class Node(Struct, frozen=True):
    """A value and its place: a scalar, a list of nodes, or a mapping of text to nodes.

    `at` is its offset in `text`, `key_at` the offset of the key it stands under, -1 when it stands under none.
    """

    value: Any
    text: SourceText
    at: int
    key_at: int = -1

    @property
    def source(self) -> Source:
        """Where the value stands."""
        return Source(self.text.file, *self.text.place(self.at))

    @property
    def items(self) -> Iterator[tuple[str, Node]]:
        """The members of a mapping; nothing for any other value."""
        return iter(self.value.items() if isinstance(self.value, dict) else ())

    def get(self, key: str) -> Node | None:
        """Return the member of a mapping; None when it is absent, null, or this is no mapping."""
        found: Node | None = self.value.get(key) if isinstance(self.value, dict) else None
        return found if found is not None and found.value is not None else None

    def holding(self, value: Any) -> Node:
        """Return another value that was made of this one and stands in its place."""
        return replace(self, value=value)

    def with_members(self, members: Mapping[str, Node | None]) -> Node:
        """Return this mapping with members set, or left out where None is given."""
        kept = {key: node for key, node in {**self.value, **members}.items() if node is not None}
        return self.holding(kept)

    def plain(self) -> Any:
        """Return the value as plain data."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def find(self, path: Iterable[str | int]) -> Node:
        """Return the value at `path`, or its deepest part that exists."""
        at = self
        for part in path:
            known = at.value if isinstance(at.value, dict) else dict(enumerate(_members(at)))
            if part not in known:
                break
            at = known[part]
        return at


def _members(node: Node) -> list[Node]:
    return node.value if isinstance(node.value, list) else []


def mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """Return a tree with every scalar replaced by what `change` makes of it."""
    if isinstance(node.value, dict):
        return node.holding({key: mapped(item, change) for key, item in node.value.items()})
    if isinstance(node.value, list):
        return node.holding([mapped(item, change) for item in node.value])
    return change(node)


class Problems:
    """Collects what is wrong, and what is only worth a warning, each once."""

    def __init__(self) -> None:
        self._found: dict[tuple[Source | None, str], Diagnostic] = {}
        self._wrong: set[Source | None] = set()

    def add(
        self,
        code: Code,
        summary: str,
        node: Node,
        hint: str = "",
        *,
        at_key: bool = False,
        related: Iterable[tuple[str, Node]] = (),
        severity: str = "error",
    ) -> None:
        """Record a problem at the place of `node`, or of its key."""
        place = node.text.place(node.key_at if at_key and node.key_at >= 0 else node.at)
        others = [(words, other.source) for words, other in related]
        self.tell(node.text.problem(code, summary, *place, hint, others, severity))

    def warn(self, code: Code, summary: str, node: Node, hint: str = "") -> None:
        """Record a warning."""
        self.add(code, summary, node, hint, severity="warning")

    def tell(self, *diagnostics: Diagnostic) -> None:
        """Record ready diagnostics; the same words at the same place only once."""
        for found in diagnostics:
            self._found.setdefault((found.source, found.summary), found)
            if found.severity == "error":
                self._wrong.add(found.source)

    def told_at(self, node: Node) -> bool:
        """Return whether an error at the place of `node` is told already."""
        return node.source in self._wrong

    def of(self, severity: str) -> tuple[Diagnostic, ...]:
        """Return everything of one severity, by file and line."""
        chosen = [found for found in self._found.values() if found.severity == severity]
        return tuple(sorted(chosen, key=lambda found: found.source or Source("")))
