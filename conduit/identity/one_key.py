"""The admin key of the environment, CONDUIT_API_KEY: one key that needs no self.db."""

from __future__ import annotations

import hmac
import os
from hashlib import sha256
from typing import Final

VARIABLE: Final = "CONDUIT_API_KEY"
PREFIX: Final = "environment:"
"""What the id of this key begins with; those of other keys have no colon."""


class OneKey:
    """One admin key, kept as its hash alone; an empty one fits nothing."""

    def __init__(self, key: str = "") -> None:
        self._hash = sha256(key.encode(errors="replace")).digest() if key else None

    @property
    def known(self) -> bool:
        """Whether there is a key at all."""
        return self._hash is not None

    @property
    def id(self) -> str:
        """What sessions made with it are bound to: another key is another id. Empty without a key."""
        return f"{PREFIX}{self._hash[:8].hex()}" if self._hash else ""

    def fits(self, shown: str) -> bool:
        """Return whether this is the key."""
        found = sha256(shown.encode(errors="replace")).digest()
        return self._hash is not None and hmac.compare_digest(found, self._hash)


def key_of_environment() -> OneKey:
    """Take the admin key out of the environment, so that no child of this process inherits it."""
    return OneKey(os.environ.pop(VARIABLE, ""))
