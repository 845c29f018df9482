"""Passwords: argon2id (RFC 9106) with OWASP's floor, and never more than two hashes at work at once.

A hash takes memory and time on purpose, so a crowd of logins waits in line here while everything else goes on; beyond a
bounded line it is turned away.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from typing import Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from conduit.errors import Code, ConduitError, Diagnostic, Unreadable

UNFIT = Code(
    "CND-2301",
    "a password that cannot be used",
    "A password has 12 to 256 characters. Any characters do, and length is worth more than variety: five random "
    "words are better than a short word with signs. Nothing was changed.",
)
CROWDED = Code(
    "CND-2302",
    "too many passwords are being checked",
    "Checking a password takes memory on purpose, so only two are checked at once and only so many wait for that. "
    "Somebody may be guessing passwords: the audit trail has the addresses. Try again in a few seconds.",
)

SHORTEST: Final = 12
LONGEST: Final = 256
"""Characters of a password, at least and at most."""
AT_ONCE: Final = 2
LINE: Final = 64
"""Checks under way or waiting; each has 19 MiB of memory only while it is under way."""
MEMORY_KIB, PASSES, LANES = 19456, 2, 1
"""OWASP Password Storage Cheat Sheet, argon2id."""

T = TypeVar("T")


class Passwords:
    """Makes and checks hashes, in threads of its own. Every answer comes as a future. `checks` counts all checks."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(PASSES, MEMORY_KIB, LANES, hash_len=32, salt_len=16, type=Type.ID)
        self._pool = ThreadPoolExecutor(AT_ONCE, "passwords")
        self._line = threading.BoundedSemaphore(LINE)
        self.checks = 0

    def hash(self, password: str) -> Future[str]:
        """Return the hash of a new password in PHC form. Raises `ConduitError` for one that cannot be used."""
        text = normal(password)
        return self._queued(lambda: self._hasher.hash(text))

    def check(self, password: str, known: str | None) -> Future[bool]:
        """Tell whether a password fits a hash; no hash takes as long and never fits. Raises `Unreadable` in a crowd."""
        return self._queued(lambda: self._fits(password, known or self._nobodys) and bool(known))

    def outdated(self, known: str) -> bool:
        """Return whether a hash was made with less than today's effort."""
        return self._hasher.check_needs_rehash(known)

    def _fits(self, password: str, known: str) -> bool:
        self.checks += 1
        try:
            return self._hasher.verify(known, unicodedata.normalize("NFC", password).encode(errors="replace"))
        except (VerificationError, InvalidHashError):
            return False

    @cached_property
    def _nobodys(self) -> str:
        """What the password of an unknown user is compared with."""
        return self._hasher.hash(secrets.token_urlsafe())

    def _queued(self, work: Callable[[], T]) -> Future[T]:
        if not self._line.acquire(blocking=False):
            raise Unreadable(Diagnostic(CROWDED, "too many passwords are being checked", hint="try again in a moment"))
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._line.release())
        return future


def normal(password: str) -> str:
    """Return a new password in Unicode's NFC form (RFC 8265 section 4.2). Raises `ConduitError` for an unfit one."""
    text = unicodedata.normalize("NFC", password)
    readable = text.encode(errors="replace").decode() == text
    if not readable or not SHORTEST <= len(text) <= LONGEST:
        hint = f"use {SHORTEST} to {LONGEST} characters"
        raise ConduitError(Diagnostic(UNFIT, f"this password has {len(text)} characters", hint=hint))
    return text
