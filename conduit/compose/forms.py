"""The ways Compose files write lists and mappings, brought to one: nodes in, nodes out. Pure.

A node that has none of the forms is returned as it is; the model tells what is wrong with it.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from conduit.compose import short_forms
from conduit.compose.nodes import Node, Problems
from conduit.errors import Code

SHORT_FORM = Code(
    "CND-1404",
    "a short form that cannot be read",
    "Ports, volumes, devices, commands and other entries may be written in one line. This one does not have the form "
    "that the Compose Specification gives it. Follow the hint, or write the long form.",
)
MODERATE: Final = 1e6
"""From here on Go writes a number with an exponent, so its text is not what people expect."""


def node_of(value: Any, place: Node) -> Node:
    """Return plain data as nodes that all stand where `place` does."""
    if isinstance(value, dict):
        return place.holding({key: node_of(item, place) for key, item in value.items()})
    if isinstance(value, list):
        return place.holding([node_of(item, place) for item in value])
    return place.holding(value)


class Forms:
    """Reads the forms of one file; what cannot be read goes to `problems`."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def short(self, node: Node, read: Callable[[str], Any]) -> Any:
        """Return what `read` makes of a text, or None after telling why it cannot be read."""
        try:
            return read(node.value)
        except ValueError as error:
            hint = "" if "write " in str(error) else "see the Compose Specification for its form"
            self.problems.add(SHORT_FORM, str(error), node, hint)
            return None

    def text(self, node: Node) -> Node:
        """Return a number, true or false as the text Go prints for it."""
        value = node.value
        if isinstance(value, bool):
            return node.holding("true" if value else "false")
        if isinstance(value, int):
            return node.holding(str(value))
        if isinstance(value, float):
            if abs(value) >= MODERATE or 0 < abs(value) < 1 / MODERATE:
                self.problems.add(SHORT_FORM, "this number has several spellings", node, "quote it to say which")
            return node.holding(f"{value:.17g}" if value.is_integer() else repr(value))
        return node

    def texts(self, node: Node) -> Node:
        """Return a list with its numbers as text; a single value is a list of one."""
        if isinstance(node.value, list):
            return node.holding([self.text(item) for item in node.value])
        return node.holding([node]) if isinstance(node.value, str) else node

    def entries(self, node: Node, blank: str | None = None) -> Node:
        """Return a mapping of texts written as one or as a list of `NAME=VALUE`; `blank` stands for no value."""
        made: dict[str, Node] = {}
        if isinstance(node.value, list):
            for item in node.value:
                if not isinstance(item.value, str):
                    return node
                read = self.short(item, short_forms.pair)
                if read:
                    made[read[0]] = item.holding(blank if read[1] is None else read[1])
            return node.holding(made)
        if not isinstance(node.value, dict):
            return node
        return node.holding(
            {key: item.holding(blank) if item.value is None else self.text(item) for key, item in node.items}
        )

    def listed(self, node: Node, long: Callable[[Node], list[Node]]) -> Node:
        """Return a list with every item in its long forms, of which there may be several."""
        if not isinstance(node.value, list):
            return node
        return node.holding([made for item in node.value for made in long(item)])

    def named(self, node: Node) -> Node:
        """Return a mapping written as one or as a list of names; what is null is empty."""
        if isinstance(node.value, list) and all(isinstance(item.value, str) for item in node.value):
            return node.holding({item.value: replace(item, value={}, key_at=item.at) for item in node.value})
        if isinstance(node.value, dict):
            return node.holding({key: item.holding({}) if item.value is None else item for key, item in node.items})
        return node

    def words(self, node: Node) -> Node:
        """Return a command line as a list of words."""
        if not isinstance(node.value, str):
            return node
        read = self.short(node, _split)
        return node.holding([node.holding(word) for word in read or []])


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise ValueError("a quotation in the command is not closed; write the command as a list") from None
