"""The key of the audit trail: it makes the MAC of each entry and signs checkpoints; anyone may have its public half.

One random key lies in keys_dir, away from the trail; the MAC key and the Ed25519 key (RFC 8032) are derived from it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conduit.canonical import canonical
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.mac import Mac
from conduit.providers.keys import open_key
from conduit.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

NO_PUBLIC_KEY = Code(
    "CND-2104",
    "the public key of an audit trail cannot be used",
    "An audit trail is verified with the Ed25519 public key of the site that wrote it, as PEM. `conduit audit key` "
    "prints it; keep a copy elsewhere, so that you need not ask the machine you doubt.",
)
NAME: Final = "audit.key"


class PublicKey:
    """What holds signatures of a site against."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def read(cls, path: Path) -> PublicKey:
        """Read a PEM file. Raises `ConduitError`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        try:
            found = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError) as error:
            raise _unusable(f"cannot read a public key from {path}: {error}") from error
        if not isinstance(found, Ed25519PublicKey):
            raise _unusable(f"{path} holds another sort of key than Ed25519")
        return cls(found)

    def pem(self) -> str:
        """Return the key as PEM."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def holds(self, what: str, fields: dict[str, Any], signature: str) -> bool:
        """Whether the signature of a statement is good."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._key.verify(bytes.fromhex(signature), _statement(what, fields))
        except (InvalidSignature, ValueError):
            return False
        return True


class AuditKey:
    """The key of one site. Opening one does no I/O; a missing key is made when it is needed and `fresh` says so.

    A new key in place of a lost one would make every entry look forged.
    """

    def __init__(self, settings: Settings, fresh: Callable[[], bool]) -> None:
        self._settings, self._fresh = settings, fresh

    def mac(self, text: bytes) -> bytes:
        """Return the hex HMAC-SHA-256 of a text, such as an entry's hex hash. Raises `ConduitError` like `open_key`."""
        return self._mac(text).hex().encode()

    def sign(self, what: str, fields: dict[str, Any]) -> str:
        """Return the hex signature of a statement. Raises `ConduitError` like `mac`."""
        return self._private.sign(_statement(what, fields)).hex()

    @property
    def public(self) -> PublicKey:
        """The public half. Raises `ConduitError` like `mac`."""
        return PublicKey(self._private.public_key())

    @cached_property
    def _root(self) -> bytes:
        return open_key(self._settings, NAME, make=self._fresh())

    @cached_property
    def _mac(self) -> Mac:
        return Mac(hmac.digest(self._root, b"conduit audit mac", "sha256"))

    @cached_property
    def _private(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(hmac.digest(self._root, b"conduit audit sign", "sha256"))


def _statement(what: str, fields: dict[str, Any]) -> bytes:
    return canonical({"conduit": what, **fields}).encode()


def _unusable(summary: str) -> ConduitError:
    return ConduitError(Diagnostic(NO_PUBLIC_KEY, summary, hint="conduit audit key prints the right one"))
