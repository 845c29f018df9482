"""Sessions: what a login leaves behind, for a browser (cookie) or a program (token), until it ends.

The value its owner shows has 256 random bits, and only its hash is kept. A session ends by logging out, by its age, a
browser's also when it is idle, and when what it relied on changed: password, role, rights or activity of its user.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Final, Literal

from msgspec import Struct

from conduit.providers.self_rows import Session, User
from conduit.providers.self_store import SelfStore
from conduit.providers.self_tables import Tables

Sort = Literal["cookie", "token"]

LIVES: Final[Mapping[str, float]] = {"cookie": 12 * 3600.0, "token": 24 * 3600.0}
IDLE: Final[Mapping[str, float]] = {"cookie": 30 * 60.0, "token": 24 * 3600.0}
"""Seconds a session lives, and lives without being used."""
PER_USER: Final[Mapping[str, int]] = {"cookie": 5, "token": 20}
"""Sessions a user may have; a further login ends the one that was used longest ago."""
SKEW: Final = 60.0
"""Seconds a session may seem to come from the future; more means that the clock is wrong, and nobody lives for ever."""
AGENT: Final = 200
"""Characters kept of what a client calls itself."""


class Begun(Struct, frozen=True):
    """A session that just began, with the value its owner will show."""

    value: str
    session: Session


class Sessions:
    """The sessions in self.db."""

    def __init__(self, store: SelfStore, now: Callable[[], float] = time.time) -> None:
        self._store, self._now = store, now

    def begin(self, user: str, epoch: int, kind: Sort, address: str, agent: str, key: str = "") -> Begun:
        """Begin a session for the user as it was when the login was checked; `key` is the API key that was shown."""
        value, now = secrets.token_urlsafe(32), self._now()
        session = Session(
            hash_of(value), user, key, kind, now, now, now + LIVES[kind], address, agent[:AGENT], epoch
        )  # fmt: skip
        with self._store.writing() as tables:
            self._make_room(tables, user, kind, now)
            tables.put(session)
            if found := tables.find(User, name=user):
                tables.put(found._replace(last_login_at=now))
        return Begun(value, session)

    def of(self, user: str) -> list[Session]:
        """Return the sessions of a user that go on, newest first."""
        with self._store.reading() as tables:
            found = list(self._alive(tables, user)) if tables else []
        return sorted(found, key=lambda session: session.created_at, reverse=True)

    def end(self, hashed: str) -> bool:
        """End one session and return whether there was one."""
        with self._store.writing() as tables:
            return tables.delete(Session, hash=hashed) > 0

    def end_all(self, user: str, but: str = "") -> int:
        """End all sessions of a user, perhaps but one, and return how many."""
        with self._store.writing() as tables:
            ended = [each for each in tables.rows(Session, user=user) if each.hash != but]
            return sum(tables.delete(Session, hash=each.hash) for each in ended)

    def note(self, hashed: str, address: str) -> None:
        """Write down that a session was used now."""
        with self._store.writing() as tables:
            found = tables.find(Session, hash=hashed)
            if found:
                tables.put(found._replace(used_at=self._now(), address=address))

    def _alive(self, tables: Tables, user: str) -> Iterator[Session]:
        owner = tables.find(User, name=user)
        now = self._now()
        yield from (each for each in tables.rows(Session, user=user) if goes_on(each, owner, now))

    def _make_room(self, tables: Tables, user: str, kind: Sort, now: float) -> None:
        """Forget what is over, and the oldest of too many."""
        own = sorted(tables.rows(Session, user=user, kind=kind), key=lambda each: each.used_at, reverse=True)
        over = [each for each in own if now >= each.expires_at]
        going = [each for each in own if now < each.expires_at]
        for each in (*over, *going[PER_USER[kind] - 1 :]):
            tables.delete(Session, hash=each.hash)


def goes_on(session: Session, user: User | None, now: float) -> bool:
    """Return whether a session goes on: its age, its use, and its user as it was at the login.

    A session of no user belongs to a key, which is looked at for itself.
    """
    in_time = session.created_at - SKEW <= now < session.expires_at and now < session.used_at + IDLE[session.kind]
    if not session.user:
        return in_time
    return in_time and user is not None and user.active and user.epoch == session.epoch


def id_of(session: Session) -> str:
    """Return what a session is called: the first digits of its hash, of which nobody can make the value."""
    return session.hash[:16]


def hash_of(value: str) -> str:
    """Return what is kept of the value a session's owner shows."""
    return sha256(value.encode(errors="replace")).hexdigest()
