"""The form of API keys: `cdt_<8 id>_<43 secret><6 checksum>`, all in base62. Pure, but for the randomness.

The prefix lets scanners of published secrets find one, the id is for looking it up, the checksum for telling a typing
error from a wrong key. The secret has 256 bits, so its SHA-256 is enough to keep (no guess will find it).
"""

from __future__ import annotations

import re
import secrets
import string
from hashlib import sha256
from typing import Final
from zlib import crc32

from msgspec import Struct

from conduit.patterns import pattern

DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
ID, SECRET, CHECKSUM = 8, 43, 6
"""Base62 digits of each part: 62**43 is more than 2**256, 62**6 more than 2**32."""
FORM: Final = pattern(rf"(cdt_([0-9A-Za-z]{{{ID}}})_[0-9A-Za-z]{{{SECRET}}})([0-9A-Za-z]{{{CHECKSUM}}})", re.ASCII)


class NewKey(Struct, frozen=True):
    """A key that was just made: its whole `text`, which is shown once, and what is kept of it."""

    text: str
    id: str
    hash: str


def make_key() -> NewKey:
    """Return a new random key."""
    own = _random(ID)
    head = f"cdt_{own}_{_random(SECRET)}"
    text = head + _checksum(head)
    return NewKey(text, own, hash_of(text))


def id_of(text: str) -> str | None:
    """Return the id in a key, None for what is no key: another form or a wrong checksum."""
    found = FORM.fullmatch(text)
    return found[2] if found and _checksum(found[1]) == found[3] else None


def hash_of(text: str) -> str:
    """Return what is kept of a key."""
    return sha256(text.encode(errors="replace")).hexdigest()


def _random(digits: int) -> str:
    return "".join(secrets.choice(DIGITS) for _ in range(digits))


def _checksum(head: str) -> str:
    value, digits = crc32(head.encode()), ""
    for _ in range(CHECKSUM):
        value, digit = divmod(value, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits
