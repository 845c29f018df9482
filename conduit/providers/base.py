"""The two sorts of provider and what one read of them gives.

A `DocumentProvider` owns marked blocks in a document and the frame around them: all changes of an apply are staged,
checked on a copy, committed in one atomic write with one reload, read back, and restored when they do not hold.
An `ObjectProvider` changes objects one by one, each with an outcome of its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from conduit.errors import Refused
from conduit.model import Change, Impact, Key, Live, Native, Outcome
from conduit.settings import Section, Settings


@dataclass(frozen=True, slots=True)
class Reading:
    """One read of a provider. `version` is a hash of all it saw; `frame` is None before the first frame.

    `stale` tells in words that the daemon serves an older generation than its files hold; empty when it does not.
    `raw` is the provider's own, whole form, kept so that what is not ours can be written back untouched.
    """

    objects: Mapping[str, tuple[Live, ...]]
    version: str
    features: frozenset[str] = frozenset()
    frame: Native = None
    stale: str = ""
    raw: Any = None
    warnings: tuple[str, ...] = ()

    def owned(self) -> dict[Key, Native]:
        """Return the natives of all our blocks by key."""
        return {live.key: live.native for lives in self.objects.values() for live in lives if live.owned}


@dataclass(frozen=True, slots=True)
class Site:
    """What a provider may know of the site: keyed marks and fingerprints, secrets, the time, failpoints.

    `mark(key, part, name)` signs one native part of a resource; `fail(point)` is a named failpoint, a no-op in use;
    `secret(name)` returns a secret's value and raises `ConduitError` when it is not stored.
    """

    mark: Callable[[Key, str, str], str]
    fingerprint: Callable[[str], str]
    secret: Callable[[str], str]
    now: Callable[[], float]
    fail: Callable[[str], None] = lambda point: None


class Provider(ABC):
    """A daemon or store conduit reads and writes. Created from its settings section; opening one does no I/O."""

    name: ClassVar[str]
    order: ClassVar[int]
    """Make before break: providers with a lower number go first when nothing else decides."""

    def __init__(self, config: Any, settings: Settings, site: Site) -> None:
        self.config, self.settings, self.site = config, settings, site

    @abstractmethod
    def read(self) -> Reading:
        """Read everything once. Raises `Unreadable` when the daemon or store does not answer in full."""

    @abstractmethod
    def impact(self, change: Change, reading: Reading) -> Impact:
        """Return what applying a change interrupts."""

    def recover(self) -> tuple[str, ...]:
        """Finish what a killed run left half done and tell what was done; ordinary convergence does the rest."""
        return ()

    def check(self) -> Iterable[str]:
        """Yield findings of `conduit doctor`, each with its fix; nothing when all is well."""
        return ()


D = TypeVar("D")


class DocumentProvider(Provider, Generic[D]):
    """A provider whose objects are blocks of one document. `D` is the composed document, ready to be written."""

    @abstractmethod
    def frame(self, blocks: Mapping[Key, Native]) -> Native:
        """Return the frame that belongs around these blocks. Pure."""

    @abstractmethod
    def compose(self, reading: Reading, blocks: Mapping[Key, Native]) -> D:
        """Return the whole document: what is not ours as read, our frame, our blocks with their marks.

        Raises `Refused` when a block cannot be written safely, for example when it does not parse back to itself.
        """

    @abstractmethod
    def validate(self, document: D) -> None:
        """Check a copy without touching what is live. Raises `Refused`."""

    def trial(self, document: D) -> None:
        """Check a copy as fully as the daemon would, however slow; finds whom to blame. Raises `Refused`."""
        self.validate(document)

    @abstractmethod
    def commit(self, document: D, reading: Reading) -> Reading:
        """Write atomically, reload once, and return what is then loaded.

        On failure the previous document is restored. Raises `Refused` when the daemon refused it, `Stale` when the
        live document moved since `reading`, `RollbackFailed` when the old one could not be restored.
        """

    def explain_frame(self, live: Native, want: Native) -> tuple[tuple[str, Any, Any], ...]:
        """Return the differing fields of two frames as (path, live, want); natives are mappings by default."""
        names = [*(live or {}), *(n for n in want if n not in (live or {}))]
        return tuple((n, (live or {}).get(n), want.get(n)) for n in names if (live or {}).get(n) != want.get(n))


class ObjectProvider(Provider):
    """A provider whose objects change one by one."""

    @abstractmethod
    def apply(self, changes: Iterable[Change], reading: Reading) -> dict[Key, Outcome]:
        """Create, update or replace objects; each outcome carries the new facts. Never raises for one object."""

    @abstractmethod
    def remove(self, lives: Iterable[Live]) -> dict[Key, Outcome]:
        """Delete owned objects by id."""


@dataclass(frozen=True, slots=True)
class Transaction(Generic[D]):
    """What one document commit came to: the reading after it, the blocks left out and why."""

    reading: Reading
    quarantined: Mapping[Key, str] = field(default_factory=dict)


def transact(provider: DocumentProvider[D], reading: Reading, changes: Mapping[Key, Native | None]) -> Transaction[D]:
    """Commit `changes` (None deletes) on top of the live blocks, leaving out blocks the daemon refuses.

    Only blocks of `changes` are blamed: by the daemon's own words, else by halving. A refused block keeps its last
    good form. Raises `Refused` when nothing is left to write, and whatever `commit` raises otherwise.
    """
    quarantined: dict[Key, str] = {}
    remaining = dict(changes)
    while True:
        try:
            return Transaction(_commit(provider, reading, remaining), quarantined)
        except Refused as refusal:
            bad = [key for key in refusal.blamed if key in remaining] or _bisect(provider, reading, remaining)
            if not bad or (len(bad) == len(remaining) == 1 and not quarantined):
                raise Refused(refusal.diagnostics[0], bad or list(remaining)) from refusal
            quarantined |= dict.fromkeys(bad, refusal.diagnostics[0].summary)
            remaining = {key: native for key, native in remaining.items() if key not in bad}
            if not remaining:
                raise Refused(refusal.diagnostics[0], quarantined) from refusal


def merged(reading: Reading, changes: Mapping[Key, Native | None]) -> dict[Key, Native]:
    """Return our live blocks with `changes` laid over them."""
    blocks = reading.owned() | dict(changes)
    return {key: native for key, native in blocks.items() if native is not None}


def _commit(provider: DocumentProvider[D], reading: Reading, changes: Mapping[Key, Native | None]) -> Reading:
    document = provider.compose(reading, merged(reading, changes))
    provider.validate(document)
    return provider.commit(document, reading)


def _bisect(provider: DocumentProvider[D], reading: Reading, changes: Mapping[Key, Native | None]) -> list[Key]:
    """Find the refused blocks by trying halves; empty when a trial cannot tell."""

    def refused(keys: list[Key]) -> bool:
        try:
            provider.trial(provider.compose(reading, merged(reading, {k: changes[k] for k in keys})))
        except Refused:
            return True
        return False

    def search(keys: list[Key]) -> list[Key]:
        if not keys or not refused(keys):
            return []
        if len(keys) == 1:
            return keys
        half = len(keys) // 2
        return search(keys[:half]) + search(keys[half:])

    return search(sorted(changes))


def discover() -> list[str]:
    """Return the names of all provider modules that take a settings section."""
    import conduit.providers as package

    return sorted(m.name for m in pkgutil.iter_modules(package.__path__))


def open_provider(name: str, settings: Settings, site: Site) -> Provider:
    """Open the provider of a settings section: `conduit/providers/<name>.py` with its `Config` and `PROVIDER`."""
    module = importlib.import_module(f"conduit.providers.{name}")
    config_type: type[Section] = module.Config
    provider_type: type[Provider] = module.PROVIDER
    return provider_type(config_type.model_validate(settings.sections.get(name, {})), settings, site)
