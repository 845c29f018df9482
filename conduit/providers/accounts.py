"""Passwords in a proxy's basic authentication: bcrypt hashes that are never shown, and seals that make them comparable.

A stored password becomes a bcrypt hash in the proxy. Hashing is slow on purpose, so a plan does not hash: beside each
account stand a *label* (keyed fingerprint of the password) and a *seal* (keyed fingerprint over key, user, label and
hash). Both still matching means that neither the secret nor the hash in the proxy changed.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Self

from msgspec import Struct

from conduit.errors import Code, ConduitError, Diagnostic, Refused
from conduit.model import Key, Secret
from conduit.patterns import pattern

Fingerprint = Callable[[str], str]
Password = Callable[[str, Any], Any]
"""Turns a declared password of a user into its native form."""

BCRYPT = pattern(r"\$2[aby]\$(?:0[4-9]|1[0-6])\$[./A-Za-z0-9]{53}", re.ASCII)
COST = 10
"""Caddy keeps a cache of passwords it accepted, so the cost is paid per login and per guess."""
LONGEST = 72
"""bcrypt reads no further bytes of a password."""

_PREFIX = "conduit.secret."
_TO_BCRYPT = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)


def is_hash(text: str) -> bool:
    """Return whether a text is a bcrypt hash of a bearable cost (4 to 16)."""
    return bool(BCRYPT.fullmatch(text))


class Seal(Struct, frozen=True):
    """The keyed fingerprints of one account; empty for a hash that comes from no stored secret."""

    label: str = ""
    check: str = ""

    @classmethod
    def of(cls, fingerprint: Fingerprint, key: Key, user: str, password: str, hashed: str) -> Self:
        """Seal the hash of a stored password."""
        label = fingerprint(password)
        return cls(label, fingerprint("\n".join(["account", str(key), user, label, hashed])))

    @classmethod
    def read(cls, account_id: Any) -> Self:
        """Read a seal back from an account's `@id`."""
        parts = account_id.removeprefix(_PREFIX).split(".") if isinstance(account_id, str) else []
        return cls(*parts) if len(parts) == 2 and account_id.startswith(_PREFIX) else cls()

    @property
    def account_id(self) -> str:
        """The `@id` that carries this seal."""
        return f"{_PREFIX}{self.label}.{self.check}"


class Hashed(str):
    """A password hash in a native form. As text it is only its keyed fingerprint; `value` is for Caddy alone."""

    value: str
    seal: Seal

    @classmethod
    def of(cls, fingerprint: Fingerprint, value: str, seal: Seal = Seal()) -> Self:  # noqa: B008 - immutable
        """Wrap a hash, so that no diff, record or error can show it."""
        hashed = cls(f"[hash {fingerprint(value)}]")
        hashed.value, hashed.seal = value, seal
        return hashed


def hash_password(fingerprint: Fingerprint, key: Key, user: str, password: str) -> str:
    """Return the bcrypt hash of a stored password, the same one each time; a stored hash is returned as it is.

    The salt is derived from the site key, account and password. Raises ValueError for a password bcrypt would cut.
    """
    if is_hash(password):
        return password
    secret = password.encode()
    if not secret or len(secret) > LONGEST or b"\0" in secret:
        raise ValueError(f"a password for basic auth has 1 to {LONGEST} bytes")
    import bcrypt

    seed = "".join(fingerprint("\n".join(["salt", part, str(key), user, password])) for part in "0123")
    salt = b64encode(sha256(seed.encode()).digest()[:16])[:22].translate(_TO_BCRYPT)
    return bcrypt.hashpw(secret, b"$2b$%02d$%s" % (COST, salt)).decode("ascii")


def hide_hashes(text: str) -> str:
    """Return text with every bcrypt hash in it masked."""
    return re.sub(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]+", "[hash]", text)


def from_store(
    key: Key, user: str, secret: Secret, code: Code, fingerprint: Fingerprint, lookup: Callable[[str], str]
) -> Hashed:
    """Return the sealed hash of a stored password.

    Raises `Refused`, with `code` for a password that cannot be hashed, blaming the resource.
    """
    try:
        password = lookup(secret.name)
        text = hash_password(fingerprint, key, user, password)
    except ValueError as error:
        summary = f"{key}: {secret} for user {user}: {error}"
        raise Refused(Diagnostic(code, summary, hint=f"see conduit explain {code.id}"), [key]) from None
    except ConduitError as error:
        raise Refused(error.diagnostics[0], [key]) from error
    return Hashed.of(fingerprint, text, Seal.of(fingerprint, key, user, password, text))
