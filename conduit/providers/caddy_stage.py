"""What is written of a block: its routes with sealed hashes in the place of passwords. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from msgspec import Struct

from conduit.errors import Code, Diagnostic, Refused
from conduit.model import Key, Native, Secret
from conduit.providers.accounts import Hashed, from_store
from conduit.providers.caddy_certificates import CERTIFICATE
from conduit.providers.caddy_document import SERVERS, Keyring, authenticates

UNWRITABLE = Code(
    "CND-0602",
    "a route that cannot be written to Caddy",
    "Before anything is sent, every route is put into JSON, read back and compared with what was wanted, and so is the "
    "whole configuration while Caddy loads it. This route does not survive that, or it holds a value that is not known "
    "yet or a password that cannot be hashed. Caddy has the configuration it had before. The message says which route "
    "and why.",
)


class Stager(Struct, frozen=True):
    """Works for one site: its keys and its stored secrets."""

    keys: Keyring
    secret: Callable[[str], str]

    def stage(self, key: Key, native: Native) -> Native:
        """Return what is written of a block: its parts with hashes for passwords, without those that stray elsewhere.

        Raises `Refused` for a value that is not known yet and for a password without a hash.
        """
        files = native[CERTIFICATE]["files"] if CERTIFICATE in native else {}
        if not isinstance(files, dict):
            raise refused(UNWRITABLE, f"{key} has no certificate files yet: {files}", [key])
        return {part: self._hashed(key, native[part]) for part in (*SERVERS, CERTIFICATE) if part in native}

    def _hashed(self, key: Key, route: dict[str, Any]) -> dict[str, Any]:
        return self._with_hashes(key, route) if authenticates(route) else route

    def _with_hashes(self, key: Key, value: Any) -> Any:
        if isinstance(value, list):
            return [self._with_hashes(key, item) for item in value]
        if not isinstance(value, dict):
            return value
        if "password" in value:
            return self._account(key, value)
        return {name: self._with_hashes(key, item) for name, item in value.items()}

    def _account(self, key: Key, account: dict[str, Any]) -> dict[str, Any]:
        """Return one account with its hash, and with its seal when the hash stands for a stored password."""
        user, password = account.get("username", ""), account["password"]
        if isinstance(password, Secret):
            password = from_store(key, user, password, UNWRITABLE, self.keys.fingerprint, self.secret)
        elif not isinstance(password, Hashed):
            raise refused(UNWRITABLE, f"{key} has no usable password hash for user {user}", [key])
        marked = {"@id": password.seal.account_id} if password.seal.check else {}
        return {**marked, **account, "password": password.value}


def refused(code: Code, summary: str, blamed: Collection[Key], hint: str = "") -> Refused:
    """Return a refusal ready to be raised."""
    return Refused(Diagnostic(code, summary, hint=hint or f"see conduit explain {code.id}"), blamed)
