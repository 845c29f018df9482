"""Files of variables: `.env` and `env_file`, as the Compose Specification and `docker compose` read them. Pure.

A line is `NAME=value`, `NAME: value` or `NAME` alone (its value comes from the environment); `export` before it and
comments are passed over. Double quotes take escapes, variables and several lines; single quotes take text as it is.
Errors never show a value: these files hold passwords.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from conduit.compose.interpolate import substitute
from conduit.patterns import pattern

NAME = pattern(r"[A-Za-z_][A-Za-z0-9_.]*", re.ASCII)
SPACE: Final = " \t\v\f"
BLANK = pattern(r"(?:[ \t\v\f\n]+|#[^\n]*)+")
STATEMENT = pattern(r"(?:export(?=[ \t]))?[ \t\v\f]*([^=:\n]*?)[ \t\v\f]*(?:([=:])[ \t\v\f]*|(?=\n)|\Z)")
QUOTED: Final = {
    '"': pattern(r'"((?:[^"\\]|\\.)*)"', re.DOTALL),
    "'": pattern(r"'((?:[^'\\]|\\.)*)'", re.DOTALL),
}
ESCAPE = pattern(r"\\(.)", re.DOTALL)
ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}
"""What a backslash and this letter mean between double quotes; `$$` is a dollar that begins no variable."""
COMMENT = pattern(r"(?:^|(?<=[ \t]))#.*")
MAX_VARIABLES: Final = 10_000


class DotenvError(ValueError):
    """The file cannot be read; `line` counts from 1. The words hold no value."""

    def __init__(self, words: str, line: int) -> None:
        super().__init__(words)
        self.line = line


def read_variables(text: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables a file sets, in its order.

    A variable in a value is looked up in `environment`, then among those above it. Raises `DotenvError`.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found: dict[str, str] = {}
    at = _skip(text, 0)
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        match = STATEMENT.match(text, at)
        if not match or not NAME.fullmatch(match[1]):
            raise DotenvError("the line sets no variable; write NAME=value", line)
        name, at = match[1], match.end()
        if match[2]:
            raw, at = _raw(text, at, line)
            found[name] = _filled(raw, name, {**found, **environment}, line)
        elif name in environment:
            found[name] = environment[name]
        if len(found) > MAX_VARIABLES:
            raise DotenvError(f"the file sets more than {MAX_VARIABLES:,} variables", line)
        at = _skip(text, at)
    return found


def _skip(text: str, at: int) -> int:
    match = BLANK.match(text, at)
    return match.end() if match else at


def _raw(text: str, at: int, line: int) -> tuple[str, int]:
    """Return a value with its quotes undone, its dollars still those of a template, and where it ends."""
    quote = text[at : at + 1]
    if quote not in QUOTED or not quote:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        return COMMENT.sub("", text[at:end], count=1).strip(SPACE), end
    match = QUOTED[quote].match(text, at)
    if not match:
        raise DotenvError("a quoted value has no closing quote", line)
    end = match.end()
    rest = text[end:].partition("\n")[0].strip(SPACE)
    if rest and not rest.startswith("#"):
        raise DotenvError("something stands behind the closing quote", line)
    inside = match[1]
    if quote == "'":
        return inside.replace("\\'", "'").replace("$", "$$"), end + len(text[end:].partition("\n")[0])
    return ESCAPE.sub(_unescaped, inside), end + len(text[end:].partition("\n")[0])


def _unescaped(match: re.Match[str]) -> str:
    return ESCAPED.get(match[1], match[0])


def _filled(raw: str, name: str, values: Mapping[str, str], line: int) -> str:
    try:
        return substitute(raw, values)
    except ValueError:
        raise DotenvError(f"the value of {name} holds a variable that cannot be filled in", line) from None
