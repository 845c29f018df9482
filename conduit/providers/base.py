"""The two sorts of provider and what one read of them gives.

A `DocumentProvider` owns marked blocks in a document and the frame around them: all changes of an apply are staged,
checked on a copy, committed in one atomic write with one reload, read back, and restored when they do not hold.
An `ObjectProvider` changes objects one by one, each with an outcome of its own.
"""

from __future__ import annotations

import importlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, TypeVar

from msgspec import Struct

from conduit.change import READY, Change, Impact, Outcome, Readiness
from conduit.errors import Unreadable
from conduit.evidence import Evidence
from conduit.model import Key, Live, Native
from conduit.model import Reading as Reading
from conduit.settings import Section, Settings

HERE: Final = Path(__file__).parent
"""Where the modules of providers are."""


class Site(Struct, frozen=True):
    """What a provider may know of the site: keyed marks and fingerprints, secrets, the time, failpoints.

    `mark(key, part, name)` signs one native part of a resource; `fail(point)` is a named failpoint, a no-op in use;
    `secret(name)` returns a secret's value and raises `ConduitError` when it is not stored. `hashed(password)` returns
    the hash of a password that somebody logs in with, and raises `ConduitError` for an unfit one.
    """

    mark: Callable[[Key, str, str], str]
    fingerprint: Callable[[str], str]
    secret: Callable[[str], str]
    now: Callable[[], float]
    fail: Callable[[str], None] = lambda point: None
    hashed: Callable[[str], str] = lambda password: ""


class Provider(ABC):
    """A daemon or store conduit reads and writes. Created from its settings section; opening one does no I/O."""

    name: ClassVar[str]
    order: ClassVar[int]
    """Make before break: providers with a lower number go first when nothing else decides."""
    parallel: int | None = None
    """How many objects an apply may work on at once, None for as many as is usual."""
    breath: float = 0.0
    """Seconds to compute nothing before a load that drops requests."""

    def __init__(self, config: Any, settings: Settings, site: Site) -> None:
        self.config, self.settings, self.site = config, settings, site

    @abstractmethod
    def read(self) -> Reading:
        """Read everything once. Raises `Unreadable` when the daemon or store does not answer in full."""

    def read_again(self, reading: Reading, changed: Collection[Key]) -> Reading:
        """Read what is there after changes of ours to these keys; `reading` was read before them.

        What the daemon itself tells to be as it was need not be read once more. Raises what `read` raises.
        """
        return self.read()

    @abstractmethod
    def impact(self, change: Change, reading: Reading) -> Impact:
        """Return what applying a change interrupts."""

    def evidence(self, reading: Reading) -> tuple[Evidence, ...] | None:
        """Return all that a reading, of which an empty plan was made, depends on beside the settings and the keys.

        As it was read, not as it is now: while it looks the same again, `read` must give the same. None when that
        cannot be told; then the next diff reads everything again.
        """
        return None

    def answers(self) -> bool:
        """Return whether the daemon or store can be read now."""
        try:
            return bool(self.read())
        except Unreadable:
            return False

    def recover(self) -> tuple[str, ...]:
        """Finish what a killed run left half done and tell what was done; ordinary convergence does the rest."""
        return ()

    def listen(self, changed: Callable[[], None], stop: threading.Event) -> None:
        """Call `changed` whenever the daemon tells that something changed, until `stop`; blocks meanwhile.

        Returns at once when the daemon cannot tell. Raises `Unreadable` when it does not answer.
        """
        return

    def check(self) -> Iterable[str]:
        """Yield findings of `conduit doctor` as `finding; fix`; nothing when all is well."""
        return ()


D = TypeVar("D")


class DocumentProvider(Provider, Generic[D]):
    """A provider whose objects are blocks of one document. `D` is the composed document, ready to be written."""

    @abstractmethod
    def frame(self, blocks: Mapping[Key, Native]) -> Native:
        """Return the frame that belongs around these blocks. Pure."""

    @abstractmethod
    def compose(self, reading: Reading, blocks: Mapping[Key, Native], protected: Collection[Key] = ()) -> D:
        """Return the whole document: what is not ours as read, our frame, our blocks with their marks.

        The marks of `protected` keys say so, and `read` gives them back as `Live.protected`: protection survives the
        removal of the declaration.

        Raises `Refused` when a block cannot be written safely, for example when it does not parse back to itself.
        """

    @abstractmethod
    def validate(self, document: D) -> None:
        """Check a copy without touching what is live. Raises `Refused`."""

    def trial(self, document: D) -> None:
        """Check a copy as fully as the daemon would, however slow; finds whom to blame. Raises `Refused`."""
        self.validate(document)

    def accepts(self, changes: Collection[Change]) -> bool:
        """Tell whether a document with these changes is never refused, so that nothing need wait until it is staged."""
        return False

    def proven(self, document: D) -> Mapping[str, tuple[Live, ...]] | None:
        """Return the objects of a reading that gives back just what was sent, when composing proved them as meant.

        A reading with these very objects needs no more looking at; None when only the reading can tell.
        """
        return None

    @abstractmethod
    def commit(self, document: D, reading: Reading) -> Reading:
        """Write atomically, reload once, and return what is then loaded.

        On failure the previous document is restored. Raises `Refused` when the daemon refused it, `Stale` when the
        live document moved since `reading`, `RollbackFailed` when the old one could not be restored.
        """

    @abstractmethod
    def restore(self, earlier: Reading, reading: Reading) -> Reading:
        """Put the document back as it was in `earlier`, from `reading` on, and return what is then loaded.

        Raises what `commit` raises.
        """

    def explain_frame(self, live: Native, want: Native) -> tuple[tuple[str, Any, Any], ...]:
        """Return the differing fields of two frames as (path, live, want); natives are mappings by default."""
        names = [*(live or {}), *(n for n in want if n not in (live or {}))]
        return tuple((n, (live or {}).get(n), want.get(n)) for n in names if (live or {}).get(n) != want.get(n))


class ObjectProvider(Provider):
    """A provider whose objects change one by one."""

    slow: ClassVar[bool] = False
    """Whether an object takes so long to make that an apply goes on meanwhile; then any thread may call `apply`."""

    @abstractmethod
    def apply(self, changes: Iterable[Change], reading: Reading) -> dict[Key, Outcome]:
        """Create, update or replace objects; each outcome carries the new facts. Never raises for one object."""

    @abstractmethod
    def remove(self, lives: Iterable[Live]) -> dict[Key, Outcome]:
        """Delete owned objects by id."""

    def ready(self, change: Change) -> Readiness:
        """Return whether what a change made is healthy yet; asked again and again before what depends on it goes.

        Never raises: an object that cannot be looked at is not ready.
        """
        return READY

    def undo(self, changes: Iterable[Change], earlier: Reading) -> dict[Key, Outcome]:
        """Take back what `apply` did for these changes; `earlier` was read before it. Raises what `read` raises.

        By default what is new goes: enough where a change makes a new object and leaves the old one alone.
        """
        keys, known = {change.key for change in changes}, {live.id for live in earlier.ours()}
        return self.remove([live for live in self.read().ours() if live.key in keys and live.id not in known])


def provider_names() -> list[str]:
    """Return the names that have a section in conduit.yaml: the provider modules with a `PROVIDER`.

    Looks at the source text only, so that a daemon nobody uses is not imported.
    """
    from pkgutil import iter_modules

    return sorted(module.name for module in iter_modules([str(HERE)]) if is_provider(module.name))


def is_provider(name: str) -> bool:
    """Return whether a name has a section in conduit.yaml, by one look at one source text."""
    source = HERE / f"{name}.py"
    return name.isidentifier() and source.is_file() and b"\nPROVIDER = " in source.read_bytes()


def config_of(name: str) -> type[Section]:
    """Return the settings model of a provider: `Config` in conduit/providers/<name>.py."""
    config: type[Section] = importlib.import_module(f"conduit.providers.{name}").Config
    return config


def provider_named(name: str) -> type[Provider]:
    """Return the provider of a settings section: `PROVIDER` in conduit/providers/<name>.py."""
    provider: type[Provider] = importlib.import_module(f"conduit.providers.{name}").PROVIDER
    return provider


def open_provider(name: str, settings: Settings, site: Site) -> Provider:
    """Open the provider of a settings section."""
    section = config_of(name).model_validate(settings.sections[name] or {})
    return provider_named(name)(section, settings, site)
