"""Encryption of a stored value: AES-256-GCM (NIST SP 800-38D), bound to what the value belongs to."""

from __future__ import annotations

from typing import Final

NONCE: Final = 12


def seal(key: bytes, plain: bytes, label: bytes) -> bytes:
    """Return a random nonce and the encrypted value, which opens under the same `label` alone."""
    from secrets import token_bytes

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = token_bytes(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, label)


def unseal(key: bytes, sealed: bytes, label: bytes) -> bytes:
    """Return what was sealed. Raises ValueError for another key or label, and for a changed value."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], label)
    except InvalidTag:
        raise ValueError("the sealed value does not open") from None
