"""The door of a site: all that logging in needs, opened when it is first used."""

from __future__ import annotations

from functools import cached_property

from conduit.identity.bootstrap import Bootstrap
from conduit.identity.enrolment import Enrolments
from conduit.identity.entry import Entry
from conduit.identity.keys import Keys
from conduit.identity.one_key import OneKey
from conduit.identity.passwords import Passwords
from conduit.identity.recognition import Recognition
from conduit.identity.second_factor import SecondFactor
from conduit.identity.sessions import Sessions
from conduit.identity.throttle import Throttle
from conduit.identity.tokens import Tokens
from conduit.providers import keys as site_keys
from conduit.providers.self_store import SelfStore, open_store
from conduit.settings import Settings


class Door:
    """What logging in to one site needs. Opening one does no I/O; every part may be used from any thread."""

    def __init__(self, settings: Settings, one_key: OneKey) -> None:
        self._settings, self.one_key = settings, one_key
        self.throttle = Throttle()

    @cached_property
    def store(self) -> SelfStore:
        """self.db."""
        return open_store(self._settings)

    @cached_property
    def passwords(self) -> Passwords:
        """What makes and checks hashes of passwords."""
        return Passwords()

    @cached_property
    def sessions(self) -> Sessions:
        """The sessions."""
        return Sessions(self.store)

    @cached_property
    def keys(self) -> Keys:
        """The API keys."""
        return Keys(self.store)

    @cached_property
    def tokens(self) -> Tokens:
        """What signs and reads tokens. Raises `ConduitError` when the keys of the site cannot be used."""
        return Tokens(self._site.signing, self._settings.site)

    @cached_property
    def second_factor(self) -> SecondFactor:
        """What makes and checks codes. Raises `ConduitError` when the keys of the site cannot be used."""
        return SecondFactor(self._site.secrets, self._settings.site)

    @cached_property
    def entry(self) -> Entry:
        """The steps of a login."""
        return Entry(self.store, self.sessions, lambda: self.tokens, lambda: self.second_factor)

    @cached_property
    def enrolments(self) -> Enrolments:
        """The second factors of users."""
        return Enrolments(self.store, lambda: self.second_factor)

    @cached_property
    def recognition(self) -> Recognition:
        """What tells who calls."""
        return Recognition(self.store, lambda: self.tokens, self.one_key)

    @cached_property
    def bootstrap(self) -> Bootstrap:
        """The token that makes the first admin."""
        return Bootstrap(self._settings.path(self._settings.state_dir), self.store)

    @cached_property
    def _site(self) -> site_keys.Keys:
        return site_keys.open_keys(self._settings)
