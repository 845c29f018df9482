"""Which files of a build context `.dockerignore` leaves out. Pure.

The rules are Docker's (docs.docker.com, Dockerfile reference, ".dockerignore file"): one pattern a line, the last one
that fits decides, `!` takes back, `**` stands for any number of directories, and what fits a directory fits all in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath
from typing import Final

from msgspec import Struct

NAME: Final = ".dockerignore"


class Pattern(Struct, frozen=True):
    """One line: what it fits, and whether that is left out or taken back."""

    text: str
    fits: re.Pattern[str]
    leaves_out: bool


class Ignore:
    """The patterns of one `.dockerignore`. A line that is no pattern raises ValueError."""

    def __init__(self, text: str) -> None:
        self._patterns = tuple(_patterns(text))

    def takes_back(self, directory: str) -> bool:
        """Tell whether something in a directory that is left out may belong to the context: its path has to be named.

        So Docker's own client does it: `!*/keep` takes nothing back from a directory that is left out as a whole.
        """
        return any(not each.leaves_out and f"{each.text}/".startswith(f"{directory}/") for each in self._patterns)

    def leaves_out(self, path: str) -> bool:
        """Tell whether a path, relative to the context, is left out."""
        names = path.split("/")
        paths = ["/".join(names[: depth + 1]) for depth in range(len(names))]
        out = False
        for pattern in self._patterns:
            if pattern.leaves_out != out and any(pattern.fits.fullmatch(each) for each in paths):
                out = pattern.leaves_out
        return out


def _patterns(text: str) -> Iterator[Pattern]:
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        words = line.strip()
        if not words or line.startswith("#"):
            continue
        leaves_out = not words.startswith("!")
        path = normpath(words.removeprefix("!").strip()).lstrip("/")
        if path == ".":
            continue
        try:
            yield Pattern(path, re.compile(_expression(path), re.DOTALL), leaves_out)
        except re.error:
            raise ValueError(f"line {number} of {NAME} is not a pattern") from None


def _expression(pattern: str) -> str:
    """Return a pattern as a regular expression."""
    parts = []
    for part in re.findall(r"\*\*/?|\*|\?|\[[^\]]*\]|\\.|[^\\]", pattern, re.DOTALL):
        if part.startswith("**"):
            parts.append("(?:.*/)?" if part.endswith("/") else ".*")
        elif part.startswith("["):
            parts.append(part)
        elif part in ("*", "?"):
            parts.append("[^/]*" if part == "*" else "[^/]")
        else:
            parts.append(re.escape(part[-1]))
    return "".join(parts)
