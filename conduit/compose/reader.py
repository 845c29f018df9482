"""One Compose file at a time: read, interpolated, brought to its long forms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from msgspec import Struct

from conduit.compose.canonical import Canonical
from conduit.compose.dialect import read
from conduit.compose.files import Files
from conduit.compose.interpolate import interpolate
from conduit.compose.nodes import Node, Problems
from conduit.dialect.complaints import UNKNOWN_KEY, WRONG_VALUE
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code, LoadError

CYCLE = Code(
    "CND-1408",
    "a cycle",
    "Files that include each other, services that extend each other, or services that wait for each other have no "
    "beginning. The message shows the way round. Take one of the steps out.",
)
TOO_MUCH = Code(
    "CND-1409",
    "an application beyond the limits",
    "include may be 10 levels deep and extends 20, and an application has at most 500 services. The limits keep a "
    "broken generator from taking the machine's memory. Split the application.",
)


SECTIONS: Final = ("services", "networks", "volumes", "secrets", "configs")
TOP_LEVEL: Final = frozenset((*SECTIONS, "include", "name", "version"))


class Surroundings(Struct, frozen=True):
    """What a file is read with: the directory its paths count from, and the variables it may use."""

    directory: str
    environment: Mapping[str, str]


class Reader:
    """Reads the files of one application; what cannot be read goes to `problems`."""

    def __init__(self, files: Files, problems: Problems, home: str | None) -> None:
        self.files, self.problems = files, problems
        self._home = home

    def read(self, path: str, place: Node | None) -> Node | None:
        """Return the tree of the file that is named at `place`; None after telling why there is none."""
        content = self.files.compose(path, place)
        if content is None:
            return None
        try:
            root, problems = read(path, content)
        except LoadError as error:
            self.problems.tell(*error.diagnostics)
            return None
        self.problems.tell(*problems)
        return root if self.is_mapping(root) else None

    def is_mapping(self, root: Node) -> bool:
        """Return whether a file holds keys and values; tell it when not."""
        if not isinstance(root.value, dict):
            self.problems.add(WRONG_VALUE, "a Compose file holds keys and their values", root, "begin with services:")
        return isinstance(root.value, dict)

    def long(self, root: Node, around: Surroundings) -> Node:
        """Return a file's tree with its variables filled in and its services in their long forms."""
        filled = interpolate(root, around.environment, self.problems)
        document = self._canonical(around).document(filled)
        unknown = document.value.keys() - TOP_LEVEL
        for key in unknown:
            hint = did_you_mean(key, TOP_LEVEL) or f"known are {', '.join(sorted(TOP_LEVEL))}"
            summary = f"unknown key {shown(key)} at the top of a Compose file"
            self.problems.add(UNKNOWN_KEY, summary, document.value[key], hint, at_key=True)
        return document.with_members(dict.fromkeys(unknown))

    def path(self, node: Node, around: Surroundings) -> str:
        """Return the absolute path that a node names."""
        return str(self._canonical(around).path(node).value)

    def _canonical(self, around: Surroundings) -> Canonical:
        return Canonical(self.problems, around.directory, self._home)


def parent(path: str) -> str:
    """Return the directory of an absolute path."""
    return str(PurePosixPath(path).parent)
