"""The bootstrap token: lets whoever can read a root-only file of this machine make the first admin, once.

It is valid for half an hour and only while there is no admin. There is never a first password that everybody knows.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from conduit.identity.permissions import ADMIN
from conduit.measures import rfc3339
from conduit.providers.files import make_directory, read_regular, sync_directory, write_file
from conduit.providers.self_rows import User
from conduit.providers.self_store import SelfStore

FILE: Final = "bootstrap-token"
SECONDS: Final = 30 * 60
LIMIT: Final = 4096


class Bootstrap:
    """The bootstrap token of one site, in a file of its state directory. Opening it does no I/O."""

    def __init__(self, directory: Path, store: SelfStore, now: Callable[[], float] = time.time) -> None:
        self.path, self._store, self._now = directory / FILE, store, now

    @property
    def needed(self) -> bool:
        """Whether there is no admin who can log in. Raises `Unreadable`."""
        return not any(user.password_hash for user in self._store.rows(User, role=ADMIN, active=True))

    def make(self) -> str:
        """Write a new token, which ends an earlier one, and return it. Raises OSError."""
        token, until = f"cdb_{secrets.token_urlsafe(32)}", rfc3339(self._now() + SECONDS)
        make_directory(self.path.parent)
        write_file(self.path, f"{token}\n{until}\n".encode())
        return token

    def fits(self, shown: str) -> bool:
        """Return whether this is the token, and still valid. Raises `Unreadable`, OSError."""
        if not self.needed:
            return False
        try:
            token, until, *_ = read_regular(self.path, LIMIT).decode().split("\n")
            left = datetime.fromisoformat(until).timestamp() - self._now()
        except (FileNotFoundError, ValueError):
            return False
        return hmac.compare_digest(token.encode(), shown.encode(errors="replace")) and 0 < left <= SECONDS

    def take(self, shown: str) -> bool:
        """Return whether this is the token and still valid; then it is used up. Raises `Unreadable`, OSError."""
        if not self.fits(shown):
            return False
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        sync_directory(self.path.parent)
        return True

    def forget(self) -> None:
        """Delete a token that is not needed any more."""
        self.path.unlink(missing_ok=True)
