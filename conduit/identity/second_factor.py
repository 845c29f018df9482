"""The second factor: codes of an authenticator app (TOTP, RFC 6238) and recovery codes for when it is lost.

The shared secret is kept encrypted, bound to its user; recovery codes are kept as hashes (80 random bits need no slow
one). Each code counts once.
"""

from __future__ import annotations

import base64
import hmac
import secrets
import threading
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import pyotp
from msgspec import Struct

from conduit.providers.sealing import seal, unseal
from conduit.providers.self_rows import User

RECOVERY_CODES: Final = 10
PERIOD: Final = 30
"""Seconds a code is shown (RFC 6238 section 5.2)."""
DRIFT: Final = (0, -1, 1)
"""Periods by which the clock of a phone may be off."""


class Enrolment(Struct, frozen=True):
    """A new shared secret: as a person types it, as an app scans it, and as it is kept."""

    secret: str
    uri: str
    sealed: str


class SecondFactor:
    """Makes and checks codes; `key` encrypts the shared secrets."""

    def __init__(self, key: bytes, site: str) -> None:
        self._key, self._site = key, site
        self._last: dict[str, int] = {}
        self._lock = threading.Lock()

    def enrol(self, user: User) -> Enrolment:
        """Return a new shared secret for a user. It counts once a code of it was shown."""
        secret = pyotp.random_base32()
        uri = pyotp.TOTP(secret).provisioning_uri(name=user.name, issuer_name=f"conduit ({self._site})")
        return Enrolment(secret, uri, base64.b64encode(seal(self._key, secret.encode(), _label(user))).decode())

    def fits(self, user: User, code: str, now: float) -> bool:
        """Return whether a code is the app's code of this moment, and let it count only once.

        Raises ValueError when the shared secret does not open.
        """
        secret = unseal(self._key, base64.b64decode(user.totp_secret), _label(user)).decode()
        app, period = pyotp.TOTP(secret), int(now) // PERIOD
        with self._lock:
            last = self._last.get(user.uid, 0)
            periods = [period + drift for drift in DRIFT if period + drift > last]
            found = next((each for each in periods if _equal(app.generate_otp(each), code)), None)
            self._last[user.uid] = found or last
        return found is not None


def make_recovery_codes() -> tuple[str, ...]:
    """Return new recovery codes, each of 16 letters and digits in groups of four."""
    texts = (base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(RECOVERY_CODES))
    return tuple("-".join(text[at : at + 4] for at in range(0, 16, 4)) for text in texts)


def hashes_of(codes: Sequence[str]) -> tuple[str, ...]:
    """Return what is kept of recovery codes."""
    return tuple(sha256(_bare(code).encode(errors="replace")).hexdigest() for code in codes)


def without(kept: Sequence[str], code: str) -> tuple[str, ...] | None:
    """Return the recovery codes that are left when this one is used, None when it is none of them."""
    (used,) = hashes_of([code])
    left = tuple(each for each in kept if not hmac.compare_digest(each, used))
    return left if len(left) < len(kept) else None


def _bare(code: str) -> str:
    return code.replace("-", "").replace(" ", "").lower()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.strip().encode(errors="replace"))


def _label(user: User) -> bytes:
    return f"totp\0{user.uid}".encode()
