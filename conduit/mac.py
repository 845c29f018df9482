"""HMAC-SHA-256 of many short texts with one key (RFC 2104, section 4). Pure."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

BLOCK: Final = 64
"""Bytes SHA-256 takes at once; a longer key would have to be hashed first, and none of ours is."""


class Mac:
    """Calling it returns the 32 bytes of a text's HMAC.

    Both hashes have taken the key before: `hmac.digest` lets OpenSSL look everything up anew for each text, which takes
    as long as the hashing.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > BLOCK:
            raise ValueError(f"the key has {len(key)} bytes; {BLOCK} are the most")
        block = key.ljust(BLOCK, b"\0")
        self._inner = sha256(bytes(each ^ 0x36 for each in block))
        self._outer = sha256(bytes(each ^ 0x5C for each in block))

    def __call__(self, text: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()
