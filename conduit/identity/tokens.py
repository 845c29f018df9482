"""Tokens: JWT (RFC 7519) with one algorithm and one form of header, each bound to a session that can be ended.

A token proves nothing by itself: it names a session by a value only the token holds, and the session is looked up for
each request. The signature keeps strangers from asking for one.
"""

from __future__ import annotations

import hmac
from typing import Any, Final

import jwt
from pydantic import BaseModel, ConfigDict, ValidationError

ALGORITHM: Final = "HS256"
HEADER: Final = {"alg": ALGORITHM, "typ": "JWT"}
"""The only header taken: no key ids, no critical extensions, no other algorithm (RFC 8725 section 3.1)."""
ISSUER: Final = "conduit"
SECONDS: Final = 24 * 3600
"""How long a token lives at most."""
LONGEST: Final = 2048
"""Characters of a token."""
REQUIRED: Final = ["exp", "iat", "nbf", "iss", "sub", "jti"]


class Claims(BaseModel):
    """What a token says. `jti` is the secret value of its session, times are seconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    username: str
    user_id: int
    session_id: str
    sub: str
    jti: str
    iat: int
    nbf: int
    exp: int
    iss: str = ISSUER


class Tokens:
    """Signs and reads the tokens of one site."""

    def __init__(self, signing: bytes, site: str) -> None:
        self._key = hmac.digest(signing, f"tokens\0{site}".encode(), "sha256")

    def sign(self, claims: Claims) -> str:
        """Return claims as a token."""
        return jwt.encode(claims.model_dump(), self._key, ALGORITHM)

    def read(self, text: str) -> Claims | None:
        """Return what a token says, None for one that is foreign, forged, too early, too late or oddly made."""
        if len(text) > LONGEST:
            return None
        options: Any = {"require": REQUIRED}
        try:
            found = jwt.decode_complete(text, self._key, [ALGORITHM], options, issuer=ISSUER)
            return Claims.model_validate(found["payload"]) if found["header"] == HEADER else None
        except (jwt.InvalidTokenError, ValidationError):
            return None
