"""From plain data to YAML text that this dialect, and every other reader, takes for the same data. Pure."""

from __future__ import annotations

import re
from math import isfinite
from typing import Any, Final

from msgspec import Struct
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

from conduit.dialect.scalars import resolve
from conduit.dialect.spans import Style
from conduit.dialect.text import UNPRINTABLE
from conduit.patterns import pattern

PLAIN: Final = pattern(r"[A-Za-z0-9_./](?:[A-Za-z0-9_./:@%+=~()' -]*[A-Za-z0-9_./@%+=~()'-])?", re.ASCII)
"""Text that may stand without quotes, once no reader takes it for anything but text."""
ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}
ESCAPED: Final = pattern(rf'["\\\n\t]|{UNPRINTABLE}')
YAML_1_1: Final[Any] = Resolver()
TEXT_TAG: Final = "tag:yaml.org,2002:str"
SHORT: Final = 60
"""Characters a collection of plain values may take to stand in one line."""


class Habits(Struct, frozen=True):
    """How far a text indents: members below their key by `step`, the dashes of a list by `dash`.

    `ended` tells whether its last line has an end, as the last line of a value below `|` needs one.
    """

    step: int = 2
    dash: int = 2
    ended: bool = True


def inline(value: Any, style: Style = Style.PLAIN) -> str:
    """Return a value in one line; text keeps the quotes of `style` where they fit.

    Raises ValueError for a number that no manifest may hold, TypeError for what is not JSON-like.
    """
    if isinstance(value, str):
        return _quoted(value, style)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if not isfinite(value):
            raise ValueError("infinite numbers and .nan are refused")
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{inline(key)}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(inline, value)) + "]"
    raise TypeError(f"{type(value).__name__} cannot stand in a manifest")


def _quoted(text: str, style: Style) -> str:
    if style is Style.SINGLE and not ESCAPED.search(text.replace('"', "").replace("\\", "")):
        return "'" + text.replace("'", "''") + "'"
    if style is not Style.DOUBLE and PLAIN.fullmatch(text) and ": " not in text and _is_text(text):
        return text
    return '"' + ESCAPED.sub(lambda found: _escape(found[0]), text) + '"'


def _escape(character: str) -> str:
    code = ord(character)
    return ESCAPES.get(character) or (f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}")


def _is_text(text: str) -> bool:
    """Tell whether plain text stays text in this dialect and in YAML 1.1, where `no` and `12:30` do not."""
    try:
        here = isinstance(resolve(text), str)
    except ValueError:
        return False
    return here and YAML_1_1.resolve(ScalarNode, text, (True, False)) == TEXT_TAG


def is_short(value: Any, habits: Habits) -> bool:
    """Tell whether a value stands in one line: anything but text of several lines and larger collections."""
    if isinstance(value, str):
        return not is_lines(value) or (value.endswith("\n") and not habits.ended)
    if not isinstance(value, (dict, list, tuple)) or not value:
        return True
    items = value.values() if isinstance(value, dict) else value
    return not any(isinstance(item, (dict, list, tuple)) for item in items) and len(inline(value)) <= SHORT


def is_lines(text: str) -> bool:
    """Tell whether text is best written below `|`: several lines that need no escapes there."""
    if "\n" not in text.rstrip("\n") or text.endswith("\n\n") or text[0] in " \t\n" or re.search(UNPRINTABLE, text):
        return False
    return not any(line.isspace() for line in text.split("\n"))


def lines(text: str, indent: int) -> str:
    """Return text of several lines below `|`, its lines indented by `indent`."""
    pad = " " * indent
    body = [pad + line if line else "" for line in text.removesuffix("\n").split("\n")]
    return "\n".join(["|" if text.endswith("\n") else "|-", *body])


def block(value: Any, indent: int, habits: Habits, opened: int = 0) -> str:
    """Return a mapping or list with something in it over several lines; the first is not indented.

    `indent` is its column; mappings up to `opened` levels below are written over several lines, however short.
    """
    pad = "\n" + " " * indent
    if isinstance(value, dict):
        return pad.join(member(key, inside, indent, habits, opened) for key, inside in value.items())
    return pad.join(item(inside, indent, habits) for inside in value)


def member(key: str, value: Any, indent: int, habits: Habits, opened: int = 0) -> str:
    """Return one entry of a block mapping whose keys stand in the column `indent`."""
    return f"{inline(key)}:{after_key(value, indent, habits, opened)}"


def after_key(value: Any, indent: int, habits: Habits, opened: int = 0) -> str:
    """Return what follows the colon of a key in the column `indent`."""
    spread = opened > 0 and isinstance(value, dict) and bool(value)
    if is_short(value, habits) and not spread:
        return f" {inline(value)}"
    if isinstance(value, str):
        return f" {lines(value, indent + habits.step)}"
    inner = indent + (habits.step if isinstance(value, dict) else habits.dash)
    return "\n" + " " * inner + block(value, inner, habits, opened - 1)


def item(value: Any, indent: int, habits: Habits) -> str:
    """Return one item of a block list whose dashes stand in the column `indent`."""
    if is_short(value, habits):
        return f"- {inline(value)}"
    inner = indent + 2
    return f"- {lines(value, inner) if isinstance(value, str) else block(value, inner, habits)}"
