"""Recognises callers by what they show: the key of the environment, an API key, a token, or a browser's cookie.

self.db is read anew for each request, all of it in one look, so that whatever ended has ended for the next request of
every process.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Final

from msgspec.structs import replace

from conduit.identity.caller import Caller
from conduit.identity.key_format import hash_of as hash_of_key
from conduit.identity.key_format import id_of
from conduit.identity.keys import Keys, is_valid
from conduit.identity.one_key import OneKey
from conduit.identity.permissions import ADMIN, ROLES
from conduit.identity.rights import Rights, of_key, of_user
from conduit.identity.sessions import Sessions, Sort, goes_on, hash_of
from conduit.identity.tokens import Tokens
from conduit.providers.self_rows import ApiKey, Session, User
from conduit.providers.self_store import SelfStore
from conduit.providers.self_tables import Tables

NOTED_SECONDS: Final = 60.0
"""How exact the time of a last use is."""
CREDENTIALS: Final = 10_000
"""Last uses that are remembered before all are forgotten."""


class Recognition:
    """Tells who calls."""

    def __init__(
        self, store: SelfStore, tokens: Callable[[], Tokens], one_key: OneKey, now: Callable[[], float] = time.time
    ) -> None:
        self._store, self._tokens, self._one_key, self._now = store, tokens, one_key, now
        self._sessions, self._keys = Sessions(store, now), Keys(store, now)
        self._noted: dict[str, float] = {}

    def at_once(self, shown: str, address: str) -> Caller | None:
        """Return the admin for the key of the environment, which needs no look at self.db."""
        return _environment(self._one_key, address) if shown and self._one_key.fits(shown) else None

    def recognise(self, shown: str, cookie: str, address: str) -> Caller | None:
        """Return whose key, token or session it is; None for an unknown, expired or revoked one. Raises `Unreadable`.

        What is shown in a header goes before a cookie, whatever comes of it.
        """
        if known := self.at_once(shown, address):
            return known
        if not shown and not cookie:
            return None
        self._store.settle()
        with self._store.reading() as tables:
            if tables is None:
                return None
            if shown:
                return self._by_shown(tables, shown, address)
            return self._by_session(tables, cookie, "cookie", address)

    def expires_at(self, caller: Caller) -> float | None:
        """Return when (epoch) what a caller showed ends at the latest, None for never. Raises `Unreadable`."""
        with self._store.reading() as tables:
            session = tables.find(Session, hash=caller.session) if tables and caller.session else None
            key = tables.find(ApiKey, id=caller.key) if tables and caller.key else None
        return min((each.expires_at for each in (session, key) if each and each.expires_at), default=None)

    def is_news(self, caller: Caller) -> bool:
        """Return whether this use of a key or session is to be written down."""
        own = caller.session or caller.key
        due = time.monotonic() - self._noted.get(own, -NOTED_SECONDS) >= NOTED_SECONDS
        return bool(caller.session or caller.user) and due

    def note(self, caller: Caller) -> None:
        """Write down that a key or session was used. Raises `Unreadable`, OSError."""
        if len(self._noted) >= CREDENTIALS:
            self._noted.clear()
        self._noted[caller.session or caller.key] = time.monotonic()
        if caller.session:
            self._sessions.note(caller.session, caller.address)
        else:
            self._keys.note(caller.key, caller.address)

    def _by_shown(self, tables: Tables, shown: str, address: str) -> Caller | None:
        if own := id_of(shown):
            key = tables.find(ApiKey, id=own)
            fits = key is not None and hmac.compare_digest(key.hash, hash_of_key(shown))
            return self._by_key(tables, key, address) if key and fits else None
        claims = self._tokens().read(shown)
        return self._by_session(tables, claims.jti, "token", address) if claims else None

    def _by_session(self, tables: Tables, value: str, kind: Sort, address: str) -> Caller | None:
        session = tables.find(Session, hash=hash_of(value), kind=kind)
        user = tables.find(User, name=session.user) if session and session.user else None
        if session is None or not goes_on(session, user, self._now()):
            return None
        if session.key:
            found = self._by_key_of(tables, session, address)
        else:
            found = _caller(user, of_user(tables, user), address) if user else None
        return replace(found, by=kind, session=session.hash) if found else None

    def _by_key_of(self, tables: Tables, session: Session, address: str) -> Caller | None:
        """Return the caller of a session that was made with a key: what the key may do now."""
        if session.key == self._one_key.id:
            return _environment(self._one_key, address)
        key = tables.find(ApiKey, id=session.key)
        return self._by_key(tables, key, address) if key else None

    def _by_key(self, tables: Tables, key: ApiKey, address: str) -> Caller | None:
        owner = tables.find(User, name=key.user)
        if owner is None or not owner.active or not is_valid(key, self._now()) or not _allowed(key, address):
            return None
        return _caller(owner, of_key(tables, key, of_user(tables, owner)), address, key.id)


def _environment(one_key: OneKey, address: str) -> Caller:
    return Caller("admin", ROLES[ADMIN], admin=True, address=address, key=one_key.id)


def _caller(user: User, may: Rights, address: str, key: str = "") -> Caller:
    return Caller(
        user.name, may.permissions, may.admin, "key", address, user=user.name, key=key, deployments=may.deployments
    )


def _allowed(key: ApiKey, address: str) -> bool:
    """Whether a key may come from an address; one that names no addresses may from any."""
    try:
        return not key.addresses or any(ip_address(address) in ip_network(each) for each in key.addresses)
    except ValueError:
        return False
