"""Plain scalars by the YAML 1.2 core schema (YAML 1.2.2, section 10.3.2). Pure.

Stricter in one point: a number with a leading zero, with a sign before zero, or with `_` is text, because people and
YAML versions disagree about its value. `on`, `no`, `yes`, `12:30` and dates are text.
"""

from __future__ import annotations

import re
from math import isinf
from typing import Final

from conduit.patterns import pattern

Scalar = str | int | float | bool | None

WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
NUMERIC: Final = frozenset("+-.0123456789")
NUMBER = pattern(
    r"(?P<integer>0|[-+]?[1-9][0-9]*)"
    r"|(?P<based>0o[0-7]+|0x[0-9a-fA-F]+)"
    r"|(?P<endless>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
    r"|(?P<float>[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)",
    re.ASCII,
)
"""The sorts of number; what matches several is the first of them."""
TEMPLATE = pattern(r"\{[{%#]")
"""What makes text look like a template."""
SIGNED_ZERO: Final = frozenset(("-0", "+0"))
LONGEST: Final = 400
"""More digits than any finite float needs; also keeps `int()` from its limit on digits."""


def resolve(text: str) -> Scalar:
    """Return the value a plain scalar stands for.

    Raises ValueError for numbers no JSON reader could carry: infinite, not a number, or beyond 64 bits.
    """
    if text in WORDS:
        return WORDS[text]
    return _number(text) if text[0] in NUMERIC else text


def _number(text: str) -> Scalar:
    match = NUMBER.fullmatch(text)
    sort = match.lastgroup if match and text not in SIGNED_ZERO else ""
    if not sort:
        return text
    if sort == "endless":
        raise ValueError("infinite numbers and .nan are refused")
    if sort != "float":
        return _bounded(text, 10 if sort == "integer" else 0)
    number = float(text)
    if isinf(number):
        raise ValueError("the number is too large")
    return number


def _bounded(text: str, base: int) -> int:
    number = int(text, base) if len(text) < LONGEST else 1 << 64
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError("the number does not fit in 64 bits")
    return number
