"""API keys in self.db: made for a user, shown once, narrowed as wished, and revoked or deleted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from conduit.identity.key_format import make_key
from conduit.providers.self_rows import ApiKey, User
from conduit.providers.self_store import SelfStore

LIFE: Final = 90 * 24 * 3600
"""Seconds a key lives when nobody says otherwise."""
PER_USER: Final = 100
"""Keys a user may have."""


class Wish(NamedTuple):
    """What a key is to be. `life` is in seconds, None for ever; what is empty narrows nothing."""

    name: str
    description: str = ""
    role: str = ""
    permissions: tuple[str, ...] = ()
    deployments: Mapping[str, str] = {}
    addresses: tuple[str, ...] = ()
    life: int | None = LIFE


class Made(Struct, frozen=True):
    """A key that was made, with its text: nobody can show that again."""

    text: str
    key: ApiKey


class Keys:
    """The keys in self.db."""

    def __init__(self, store: SelfStore, now: Callable[[], float] = time.time) -> None:
        self._store, self._now = store, now

    def make(self, owner: User, wish: Wish) -> Made | None:
        """Make a key; None when its owner is gone or has too many."""
        new, now = make_key(), self._now()
        row = ApiKey(
            id=new.id,
            hash=new.hash,
            user=owner.name,
            name=wish.name,
            description=wish.description,
            prefix=f"{new.text[:12]}...",
            role=wish.role,
            permissions=wish.permissions,
            deployments=wish.deployments,
            addresses=wish.addresses,
            expires_at=None if wish.life is None else now + wish.life,
            created_at=now,
        )
        with self._store.writing() as tables:
            if not tables.find(User, name=owner.name) or len(tables.rows(ApiKey, user=owner.name)) >= PER_USER:
                return None
            tables.put(row)
        return Made(new.text, row)

    def of(self, user: str | None = None) -> list[ApiKey]:
        """Return the keys of a user, or all of them, oldest first."""
        found = self._store.rows(ApiKey) if user is None else self._store.rows(ApiKey, user=user)
        return sorted(found, key=lambda key: key.created_at)

    def revoke(self, id_: str) -> bool:
        """Let a key fit no longer and return whether there is one."""
        return self._change(id_, lambda key: key._replace(active=False))

    def delete(self, id_: str) -> bool:
        """Forget a key and return whether there was one."""
        with self._store.writing() as tables:
            return tables.delete(ApiKey, id=id_) > 0

    def note(self, id_: str, address: str) -> None:
        """Write down that a key was used now."""
        self._change(id_, lambda key: key._replace(used_at=self._now(), used_address=address))

    def _change(self, id_: str, changed: Callable[[ApiKey], ApiKey]) -> bool:
        with self._store.writing() as tables:
            found = tables.find(ApiKey, id=id_)
            if found:
                tables.put(changed(found))
        return found is not None


def is_valid(key: ApiKey, now: float) -> bool:
    """Return whether a key is neither revoked nor over."""
    return key.active and (key.expires_at is None or now < key.expires_at)
