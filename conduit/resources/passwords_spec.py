"""Passwords of basic authentication as a proxy has them: told apart without hashing, shown by fingerprint. Pure.

A proxy holds bcrypt hashes, each with a seal (see `conduit.providers.accounts`); a spec holds hashes or secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from conduit.change import FieldChange
from conduit.errors import ConduitError
from conduit.kind import Context
from conduit.model import UNRESOLVED, Key, Secret
from conduit.providers.accounts import Hashed, Password, Seal


def declared(ctx: Context) -> Password:
    """Return what a declared password is in a native form: a hash is wrapped, a secret stays one until it is staged."""
    return lambda user, value: value if isinstance(value, Secret) else Hashed.of(ctx.fingerprint, value)


def unchanged(users: Mapping[str, Any], key: Key, live: Mapping[str, Any], ctx: Context) -> dict[str, Hashed]:
    """Return the hashes in the proxy that still stand for the stored passwords, by user."""
    kept = {}
    for user, hashed in live.items():
        secret = users.get(user)
        if isinstance(secret, Secret) and isinstance(hashed, Hashed):
            password = _stored(secret, ctx)
            seal = Seal.of(ctx.fingerprint, key, user, password, hashed.value) if password else None
            if seal == hashed.seal:
                kept[user] = hashed
    return kept


def changes(have: Mapping[str, Any], want: Mapping[str, Any], ctx: Context) -> Iterable[FieldChange]:
    """Yield how passwords differ, without showing one or its hash."""
    for user in sorted({*have, *want}):
        old, new = have.get(user, UNRESOLVED), want.get(user, UNRESOLVED)
        if old != new:
            yield FieldChange(f"basic_auth.{user}", *_labels(old, new, ctx))


def _labels(old: Any, new: Any, ctx: Context) -> tuple[Any, Any]:
    """Tell a rotated secret (`ab12` to `cd34`) from a hash that someone edited in the proxy."""
    if not isinstance(new, Secret):
        return old, new
    password = _stored(new, ctx)
    label = ctx.fingerprint(password) if password else "which is not stored"
    before = old.seal.label if isinstance(old, Hashed) else ""
    if before:
        old = f"{new} {before[:4]}" if before != label else f"{new} with another hash"
    return old, f"{new} {label[:4] if password else label}"


def _stored(secret: Secret, ctx: Context) -> str:
    """Return a stored password, empty when it is missing: then its resource alone is refused when it is written."""
    try:
        return ctx.secret(secret.name)
    except ConduitError:
        return ""
