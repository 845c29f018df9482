"""The steps of a login after the password was looked at: the second factor, the session, its token."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from conduit.identity.numbers import number_of
from conduit.identity.second_factor import SecondFactor, without
from conduit.identity.sessions import Begun, Sessions, id_of
from conduit.identity.tokens import Claims, Tokens
from conduit.providers.self_rows import User
from conduit.providers.self_store import SelfStore

ENVIRONMENT: Final = "environment"
"""The subject of a token that was made with the key of the environment: no user has it."""


class Entry:
    """Lets users in."""

    def __init__(
        self,
        store: SelfStore,
        sessions: Sessions,
        tokens: Callable[[], Tokens],
        second_factor: Callable[[], SecondFactor],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store, self._sessions = store, sessions
        self._tokens, self._second_factor, self._now = tokens, second_factor, now

    def user(self, name: str) -> User | None:
        """Return the user of a name if it may log in with a password: active, and with one. Raises `Unreadable`."""
        found = self._store.find(User, name=name)
        return found if found and found.active and found.password_hash else None

    def second(self, user: User, code: str) -> bool:
        """Return whether a code is of the user's app, or a recovery code, which is used up then. Raises ValueError."""
        if self._second_factor().fits(user, code, self._now()):
            return True
        with self._store.writing() as tables:
            found = tables.find(User, name=user.name)
            left = without(found.recovery_hashes, code) if found else None
            if found and left is not None:
                tables.put(found._replace(recovery_hashes=left))
        return left is not None

    def strengthen(self, user: User, stronger: str) -> None:
        """Keep a stronger hash of the same password, unless the password was changed meanwhile."""
        with self._store.writing() as tables:
            found = tables.find(User, name=user.name, password_hash=user.password_hash)
            if found and not found.password_secret:
                tables.put(found._replace(password_hash=stronger))

    def token(self, begun: Begun, user: User | None) -> str:
        """Return the token of a session; None is the key of the environment. Raises `ConduitError`."""
        session = begun.session
        claims = Claims(
            username=user.name if user else "admin",
            user_id=number_of("user", user.name) if user else 0,
            session_id=id_of(session),
            sub=user.uid if user else ENVIRONMENT,
            jti=begun.value,
            iat=int(session.created_at),
            nbf=int(session.created_at),
            exp=int(session.expires_at),
        )
        return self._tokens().sign(claims)
