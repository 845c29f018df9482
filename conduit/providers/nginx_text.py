"""nginx's words: how one line of our file is written, and what nginx reads in it. Pure.

Our file keeps one directive on each line, in a narrow form of nginx's syntax: words apart by one blank, a word bare or
between double quotes. Only words that conduit itself wrote hold variables, and those are never quoted; a quoted word
is text and nothing more. Source: ngx_conf_file.c of nginx 1.22, `ngx_conf_read_token`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from conduit.patterns import pattern

_BARE: Final = r"(?:[!$%&()*+,./0-9:<=>?@A-Z\[\]^_a-z|~-]++|\\[.+?z])+"
_QUOTED: Final = r'"(?:[^"\\$\x00-\x1f\x7f]|\\["\\])*"'
_ONE: Final = rf"(?:{_BARE}|{_QUOTED})"
_WORD: Final = pattern(_ONE)
_LINE: Final = pattern(rf"{_ONE}(?: {_ONE})*(?:;| \{{)|\}}")
_PLAIN: Final = pattern(r"[A-Za-z0-9_./:@%+,=~*\[\]-]+")
_NOTE: Final = pattern(r"# [!-~]+(?: [!-~]+)*")
LONGEST: Final = 4000
"""nginx reads no word that does not fit its buffer of 4,096 bytes."""


def word(value: object) -> str:
    """Return text as one word nginx reads as just that text, quoted when it has to be.

    Raises ValueError for text nginx could read as more: a variable, a control character, too much of it.
    """
    text = str(value)
    if _PLAIN.fullmatch(text) and len(text) <= LONGEST:
        return text
    if "$" in text:
        raise ValueError(f"{text[:60]!r} holds a $, which nginx reads as the name of a variable")
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if not re.fullmatch(_QUOTED, quoted) or len(quoted.encode()) > LONGEST:
        raise ValueError(f"{text[:60]!r} is not one line of at most {LONGEST} bytes")
    return quoted


def directive(*words: str, opens: bool = False) -> str:
    """Return one line of these words, as they are."""
    return " ".join(words) + (" {" if opens else ";")


def path_pattern(path: str) -> str:
    """Return a path as a regular expression; only `.` and `+` of the characters it may have mean something there."""
    return re.sub(r"([.+])", r"\\\1", path)


@lru_cache(maxsize=1 << 15)
def words_of(line: str) -> tuple[str, ...]:
    """Return what nginx reads in a line of ours: its words, and `;` or `{` as the last; `}` alone.

    Empty for a line that is not in our form, a note too.
    """
    if line == "}":
        return ("}",)
    if not _LINE.fullmatch(line):
        return ()
    if '"' not in line:
        return (*line[:-1].rstrip(" ").split(" "), line[-1])
    return (*map(_plain, _WORD.findall(line)), line[-1])


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[0] == '"' else text


def complete(lines: Iterable[str]) -> bool:
    """Return whether lines are notes and whole directives, every block of which is closed."""
    depth = 0
    for line in lines:
        step = _step(line)
        if step is None or depth + step < 0:
            return False
        depth += step
    return depth == 0


@lru_cache(maxsize=1 << 10)
def _step(line: str) -> int | None:
    """Return by how many blocks what follows a line is deeper; None for one that is no note and no directive."""
    words = words_of(line)
    if not words:
        return 0 if _NOTE.fullmatch(line) else None
    return (words[-1] == "{") - (words[-1] == "}")
