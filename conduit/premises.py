"""What a site has on its machine: state, keys, secrets, journal, records, lock, audit trail, and its providers.

Nothing is opened before it is asked for, and opening does no I/O.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from conduit.failpoints import fail
from conduit.history import History
from conduit.journal import Journal
from conduit.kind import Context
from conduit.lock import Lock
from conduit.manifests.archive import Archive
from conduit.providers.base import Provider, Site, open_provider
from conduit.providers.keys import Keys, open_keys
from conduit.providers.secrets import Secrets, open_secrets
from conduit.settings import Settings
from conduit.used_secrets import UsedSecrets

if TYPE_CHECKING:
    from conduit.audit.trail import Trail


class Premises(Struct, eq=False, dict=True):
    """The premises of one site. `now` is the clock in seconds since the epoch."""

    settings: Settings
    now: Callable[[], float] = time.time

    @cached_property
    def state(self) -> Path:
        """The state directory: journal, records, cache, lock. Deleting it loses history only."""
        return self.settings.path(self.settings.state_dir)

    @cached_property
    def keys(self) -> Keys:
        """The site key and what is derived from it."""
        return open_keys(self.settings)

    @cached_property
    def secrets(self) -> Secrets:
        """The store of encrypted secrets."""
        return open_secrets(self.settings, self.keys)

    @cached_property
    def journal(self) -> Journal:
        """The journal of runs."""
        return Journal(self.state / "journal")

    @cached_property
    def history(self) -> History:
        """The deletable records: runs and last applied natives."""
        return History(self.state / "records.db")

    @cached_property
    def trail(self) -> Trail:
        """The audit trail."""
        from conduit.audit.trail import Trail

        return Trail(self.settings)

    @cached_property
    def archive(self) -> Archive:
        """The manifests of past runs."""
        return Archive(self.state / "manifests")

    @cached_property
    def files(self) -> Archive:
        """The files that the manifests of past runs name, sealed: secrets are among them."""
        return Archive(self.state / "files", lambda: self.keys.secrets)

    @cached_property
    def used_secrets(self) -> UsedSecrets:
        """The secrets as kinds and providers get them; those of past runs are kept, sealed."""
        past = Archive(self.state / "secrets", lambda: self.keys.secrets)
        return UsedSecrets(self.secrets, self.keys.fingerprint, past)

    @cached_property
    def lock(self) -> Lock:
        """The lock that lets one run change the live systems."""
        return Lock(self.state / "lock")

    @cached_property
    def providers(self) -> dict[str, Provider]:
        """The providers conduit.yaml names, and conduit's own, opened."""
        keys = self.keys
        site = Site(keys.mark, keys.fingerprint, lambda name: self.used_secrets.get(name), self.now, fail, _hashed)
        return {name: open_provider(name, self.settings, site) for name in sorted(self.settings.sections)}

    def context(self) -> Context:
        """Return what kinds may know apart from a reading."""
        return Context(
            settings=self.settings,
            now=self.now(),
            mark=self.keys.mark,
            fingerprint=self.keys.fingerprint,
            secret=lambda name: self.used_secrets.get(name),
        )

    def proving_context(self) -> Context:
        """Return what a proof may know apart from facts."""
        from conduit.providers.probe import Prober

        return replace(self.context(), prober=Prober(self.settings))


def _hashed(password: str) -> str:
    """Return the hash of a password that somebody logs in with. Raises `ConduitError` for an unfit one."""
    from conduit.identity.passwords import Passwords

    return Passwords().hash(password).result()
