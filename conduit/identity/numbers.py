"""Numeric ids, for clients that know things by number. Pure."""

from __future__ import annotations

from hashlib import sha256


def number_of(kind: str, name: str) -> int:
    """Return the number of a thing: 48 bits of the hash of its key, so that it is the same for ever and everywhere."""
    return int.from_bytes(sha256(f"{kind}/{name}".encode()).digest()[:6], "big")
