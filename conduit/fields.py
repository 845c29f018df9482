"""The field types of web routes: text checked by the grammar and brought to its one normal form. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Final

from conduit import grammar, measures
from conduit.model import Secret
from conduit.validators import After, Before

TIMES: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
"""Milliseconds per unit, largest first."""
SIZES: Final = {"GiB": 2**30, "GB": 10**9, "MiB": 2**20, "MB": 10**6, "KiB": 2**10, "KB": 10**3, "B": 1}
"""Bytes per unit, largest first."""


def duration_text(milliseconds: int) -> str:
    """Return a duration in the largest unit that fits it exactly."""
    return _in_largest(TIMES, milliseconds)


def size_text(number: int) -> str:
    """Return a number of bytes in the largest unit that fits it exactly."""
    return _in_largest(SIZES, number)


def _in_largest(units: dict[str, int], number: int) -> str:
    unit = next(unit for unit, worth in units.items() if number % worth == 0)
    return f"{number // units[unit]}{unit}"


def _host(text: str) -> str:
    """A host name, or `*.` and one: the wildcard stands for exactly one label."""
    return "*." + grammar.host_name(text[2:]) if text.startswith("*.") else grammar.host_name(text)


def _prefix(text: str) -> str:
    """A path prefix without a final slash. `%` would make Caddy match the escaped path, which is easy to evade."""
    path = grammar.path(text)
    if "%" in path:
        raise ValueError("a route's path holds no %; declare the part before it, a route covers everything below")
    return path.rstrip("/") or "/"


def _duration(text: str) -> str:
    milliseconds = round(measures.duration(text) * 1000)
    if not milliseconds:
        raise ValueError("a time of zero means nothing here; leave the field out")
    return duration_text(milliseconds)


def _size(text: str) -> str:
    number = measures.size(text)
    if not number:
        raise ValueError("a size of zero would refuse every body; leave the field out")
    return size_text(number)


def _headers(value: Any) -> Any:
    if isinstance(value, dict) and len({str(name).lower() for name in value}) < len(value):
        raise ValueError("the same header is written twice; header names ignore case")
    return value


Host = Annotated[str, After(_host)]
Prefix = Annotated[str, After(_prefix)]
Cidr = Annotated[str, After(grammar.cidr)]
Text = Annotated[str, After(grammar.plain_text)]
Duration = Annotated[str, After(_duration)]
Size = Annotated[str, After(_size)]
Target = Annotated[str, After(grammar.redirect_target)]
Probe = Annotated[str, After(grammar.path_and_query)]
HeaderName = Annotated[str, After(grammar.header_name)]
HeaderValue = Annotated[str, After(grammar.header_value)]
Headers = Annotated[dict[HeaderName, HeaderValue | None], Before(_headers)]
User = Annotated[str, After(grammar.user_name)]
Password = Annotated[str, After(grammar.bcrypt_hash)] | Secret
