"""The field types of Compose files: text or numbers in, one normal form out. Pure.

A value that came out of a variable is text, so every type also takes the text of its values.
"""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Annotated, Any, Final

from pydantic import Field

from conduit.compose.short_forms import address
from conduit.patterns import pattern
from conduit.validators import After, Before

FLAGS: Final = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "n", "off", "0"), False),
}
TIMES: Final = {
    "h": Decimal(3_600_000),
    "m": Decimal(60_000),
    "s": Decimal(1_000),
    "ms": Decimal(1),
    "us": Decimal("0.001"),
    "ns": Decimal("0.000001"),
}
"""Milliseconds per unit (Go's time.ParseDuration)."""
TIME_PARTS = pattern(r"(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|us|µs|ns|m|s))+", re.ASCII)
TIME_PART = pattern(r"([0-9]+(?:\.[0-9]+)?)(h|ms|us|µs|ns|m|s)", re.ASCII)
SIZE = pattern(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([kmgtp]?)i?b?", re.ASCII | re.IGNORECASE)
WHOLE = pattern(r"[-+]?[0-9]{1,18}", re.ASCII)
FRACTION = pattern(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)
LONGEST: Final = 10 * 365 * 24 * 3_600_000
POWERS: Final = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50}
SIGNAL = pattern(r"(?:SIG)?[A-Z][A-Z0-9]{1,11}(?:[+-][0-9]{1,2})?|[0-9]{1,2}", re.ASCII)


def flag(value: Any) -> Any:
    """Return true or false for the words Compose files use."""
    return FLAGS.get(value, value) if isinstance(value, str) else value


def whole(value: Any) -> Any:
    """Return a whole number of its text."""
    if isinstance(value, str) and WHOLE.fullmatch(value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def fraction(value: Any) -> Any:
    """Return a number of its text; whole numbers as well."""
    if isinstance(value, str) and FRACTION.fullmatch(value):
        return float(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def duration(value: Any) -> int:
    """Return the milliseconds of `1m30s`, `500ms`, `1.5h`; at most ten years. Raises ValueError."""
    if not isinstance(value, str) or not (value == "0" or TIME_PARTS.fullmatch(value)) or len(value) > 60:
        raise ValueError("write a duration such as 30s, 1m30s or 500ms")
    parts = TIME_PART.findall(value)
    milliseconds = sum((Decimal(number) * TIMES[unit.replace("µ", "u")] for number, unit in parts), Decimal(0))
    if milliseconds != int(milliseconds) or milliseconds > LONGEST:
        raise ValueError("a duration is whole milliseconds, at most ten years")
    return int(milliseconds)


def size(value: Any) -> int:
    """Return the bytes of `512m`, `1.5gb` or a number; k, m, g, t and p are powers of 1024. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = SIZE.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError("write a size such as 512m or 1g")
    number = int(Decimal(match[1]) * (1 << POWERS[match[2].lower()]))
    if number >= 1 << 63:
        raise ValueError("the size does not fit in 64 bits")
    return number


def size_or_unlimited(value: Any) -> int:
    """Return the bytes of a size, or -1 for no limit. Raises ValueError."""
    return -1 if value in (-1, "-1") else size(value)


def mode(value: Any) -> Any:
    """Return file permissions of their octal text; a YAML number is octal when it was written so (0440)."""
    if isinstance(value, str) and re.fullmatch("(?:0o?)?[0-7]{1,5}", value, re.ASCII):
        return int(value.removeprefix("0o"), 8)
    return value


def printable(text: str) -> str:
    """Refuse control characters."""
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("control characters are refused")
    return text


def no_nul(text: str) -> str:
    """Refuse NUL, which no process can be given."""
    if "\0" in text:
        raise ValueError("a NUL character is refused")
    return text


def inside(text: str) -> str:
    """A path inside a container: absolute, on one line."""
    if not text.startswith("/") or len(text) > 4096:
        raise ValueError("write an absolute path inside the container")
    return printable(text)


def subnet(text: str) -> str:
    """An address range in its normal form."""
    try:
        return str(ip_network(text, strict=False))
    except ValueError:
        raise ValueError("write an address range such as 10.0.0.0/24") from None


def address_of(family: type[IPv4Address] | type[IPv6Address]) -> After:
    """Take addresses of one family, in their shortest form."""

    def check(text: str) -> str:
        try:
            return str(family(text))
        except ValueError:
            raise ValueError(f"write an {'IPv4' if family is IPv4Address else 'IPv6'} address") from None

    return After(check)


def one_of(*names: str) -> Before:
    """Take these words only; a validator so that the message lists them."""

    def check(value: Any) -> Any:
        if value not in names:
            raise ValueError(f"write {', '.join(names[:-1])} or {names[-1]}")
        return value

    return Before(check)


def matching(expression: str, words: str) -> After:
    """Take text that matches an expression as a whole; `words` say how to write it."""
    whole_text = pattern(expression, re.ASCII)

    def check(text: str) -> str:
        if not whole_text.fullmatch(text):
            raise ValueError(words)
        return text

    return After(check)


def signal(value: Any) -> str:
    """Return a signal's name in capitals with SIG, or its number as text."""
    text = str(value).upper()
    if isinstance(value, bool) or not SIGNAL.fullmatch(text):
        raise ValueError("write a signal such as SIGTERM")
    return text if text[0].isdigit() or text.startswith("SIG") else f"SIG{text}"


Flag = Annotated[bool, Before(flag)]
Whole = Annotated[int, Before(whole)]
Fraction = Annotated[float, Before(fraction)]
Duration = Annotated[int, Before(duration)]
Size = Annotated[int, Before(size)]
SizeOrUnlimited = Annotated[int, Before(size_or_unlimited)]
Mode = Annotated[int, Before(mode), Field(ge=0, le=0o7777)]
Line = Annotated[str, After(printable)]
Text = Annotated[str, After(no_nul)]
Inside = Annotated[str, After(inside)]
Signal = Annotated[str, Before(signal)]
Subnet = Annotated[str, After(subnet)]
Address = Annotated[str, After(address)]
Address4 = Annotated[str, address_of(IPv4Address)]
Address6 = Annotated[str, address_of(IPv6Address)]
Port = Annotated[int, Before(whole), Field(ge=1, le=65535)]
Name = Annotated[str, matching("[A-Za-z0-9][A-Za-z0-9_.-]*", "use letters, digits, _, . and -")]
"""The name of a service, network, volume, secret or config (Compose JSON schema)."""
