"""The secrets that a run uses, kept sealed with the run, so that undoing it brings their values back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from conduit.canonical import digest_of
from conduit.manifests.archive import Archive
from conduit.model import NO_FIELDS
from conduit.providers.secrets import Secrets


class UsedSecrets:
    """Gives kinds and providers the secrets of a site, and remembers which. Safe to use from threads.

    `fingerprint` is the keyed one of a text: nobody can try values against it, or against the names of what is kept.
    """

    def __init__(self, store: Secrets, fingerprint: Callable[[str], str], archive: Archive) -> None:
        self._store, self._fingerprint, self._archive = store, fingerprint, archive
        self._earlier: Mapping[str, str] = NO_FIELDS
        self._used: dict[str, str] = {}

    def get(self, name: str) -> str:
        """Return a secret's value: that of an earlier run, else the stored one. Raises `ConduitError`."""
        value = self._earlier[name] if name in self._earlier else self._store.get(name)
        self._used[name] = value
        return value

    def keep(self) -> dict[str, str]:
        """Keep the values that were used so far, and return their fingerprints by name."""
        used = dict(self._used)
        fingerprints = {name: self._fingerprint(value) for name, value in used.items()}
        if used:
            self._archive.keep(digest_of(fingerprints), {name: value.encode() for name, value in used.items()})
        return fingerprints

    def go_back(self, fingerprints: Mapping[str, str]) -> bool:
        """Give the values of an earlier run from now on; False when they are not known any more."""
        kept = self._archive.contents(digest_of(fingerprints)) if fingerprints else {}
        if kept is None:
            return False
        self._earlier = {name: value.decode() for name, value in kept.items()}
        return True
