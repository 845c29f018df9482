"""What the Docker provider does for each kind of object: read, make, take back, remove. One class per kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from conduit.change import READY, Change, Impact, Readiness
from conduit.errors import Refused
from conduit.evidence import Evidence
from conduit.model import Live, Reading
from conduit.providers.base import Site
from conduit.providers.docker_api import Api
from conduit.providers.docker_config import Config
from conduit.providers.docker_look import Seen as Seen
from conduit.providers.docker_marks import Marks


class Means(Struct, frozen=True):
    """What every part works with."""

    api: Api
    marks: Marks
    config: Config
    site: Site
    files: Path
    """Where injected files lie."""


class InUse(Refused):
    """An object stays for now, because something that is not to go uses it."""


class Part(ABC):
    """One kind of object in Docker."""

    kind: ClassVar[str]

    def __init__(self, means: Means) -> None:
        self.api, self.marks, self.config, self.site = means.api, means.marks, means.config, means.site

    @abstractmethod
    def lives(self, seen: Seen) -> tuple[Live, ...]:
        """Return the live objects of this kind, ours or not. Pure."""

    @abstractmethod
    def apply(self, change: Change, reading: Reading) -> Mapping[str, Any]:
        """Make one change true and return the new facts. Raises `Refused` after taking back what it had begun."""

    def ready(self, change: Change) -> Readiness:
        """Return whether what a change made is healthy yet. Never raises."""
        return READY

    @abstractmethod
    def remove(self, live: Live) -> None:
        """Delete one object; one that is gone already is fine. Raises `Refused`, `InUse` when it has to stay."""

    def undo(self, change: Change) -> None:
        """Take back a change that was made. Raises `Refused`, `Unreadable`. By default a new object goes."""
        if change.live is None:
            self.remove_new(change)

    @abstractmethod
    def remove_new(self, change: Change) -> None:
        """Remove the object that a change made. Raises `Refused`, `Unreadable`."""

    def impact(self, change: Change, reading: Reading) -> Impact:
        """Return what applying a change interrupts; by default nothing."""
        return Impact()

    def evidence(self) -> Iterable[Evidence]:
        """Return what was seen beside Docker's answers by the last `lives`; by default nothing."""
        return ()

    def recover(self, seen: Seen) -> Iterable[str]:
        """Finish what a killed run left half made, and yield what was done. Raises `Refused`, `Unreadable`."""
        return ()
