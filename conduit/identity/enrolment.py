"""Enrolling a second factor: a shared secret, confirmed by a first code, and the recovery codes that go with it."""

from __future__ import annotations

import time
from collections.abc import Callable

from conduit.identity.second_factor import Enrolment, SecondFactor, hashes_of, make_recovery_codes
from conduit.providers.self_rows import User
from conduit.providers.self_store import SelfStore


class Enrolments:
    """The second factors in self.db."""

    def __init__(
        self, store: SelfStore, factor: Callable[[], SecondFactor], now: Callable[[], float] = time.time
    ) -> None:
        self._store, self._factor, self._now = store, factor, now

    def begin(self, name: str) -> Enrolment | None:
        """Keep a new shared secret, not confirmed yet; None for a user who has a second factor, or is gone."""
        with self._store.writing() as tables:
            user = tables.find(User, name=name)
            if user is None or user.totp_confirmed:
                return None
            made = self._factor().enrol(user)
            tables.put(user._replace(totp_secret=made.sealed))
        return made

    def confirm(self, name: str, code: str) -> tuple[str, ...] | None:
        """Let the shared secret count and return new recovery codes; None for a wrong code, or nothing to confirm."""
        user = self._store.find(User, name=name)
        if not user or user.totp_confirmed or not user.totp_secret or not self._factor().fits(user, code, self._now()):
            return None
        codes = make_recovery_codes()
        with self._store.writing() as tables:
            found = tables.find(User, name=name, totp_secret=user.totp_secret)
            if found is None:
                return None
            tables.put(found._replace(totp_confirmed=True, recovery_hashes=hashes_of(codes)))
        return codes

    def remove(self, name: str) -> bool:
        """Take the second factor of a user away and return whether there was one."""
        with self._store.writing() as tables:
            user = tables.find(User, name=name)
            if user:
                tables.put(user._replace(totp_secret="", totp_confirmed=False, recovery_hashes=()))
        return user is not None and user.totp_confirmed
