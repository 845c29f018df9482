"""What the Docker provider does for each kind of object: read, make, take back, remove. One class per kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from conduit.change import Change
from conduit.model import Live, Reading
from conduit.providers.base import Site
from conduit.providers.docker_api import Api
from conduit.providers.docker_config import Config
from conduit.providers.docker_marks import Marks


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at Docker: what its lists say, and the details of the containers that are ours and of their images.

    `containers` are rows of GET /containers/json?all=1, `details` inspections by container id of those that
    `Marks.container_key` takes for ours by `Labels` and `Created` of their row, `images` rows of GET /images/json,
    `image_details` inspections by image id, `networks` and `volumes` the rows of their lists.
    """

    containers: tuple[Mapping[str, Any], ...]
    details: Mapping[str, Mapping[str, Any]]
    images: tuple[Mapping[str, Any], ...]
    image_details: Mapping[str, Mapping[str, Any]]
    networks: tuple[Mapping[str, Any], ...]
    volumes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Means:
    """What every part works with."""

    api: Api
    marks: Marks
    config: Config
    site: Site


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

    @abstractmethod
    def remove(self, live: Live) -> None:
        """Delete one object; one that is gone already is fine. Raises `Refused`."""

    def undo(self, change: Change) -> None:
        """Take back a change that was made. Raises `Refused`, `Unreadable`. By default a new object goes."""
        if change.live is None:
            self.remove_new(change)

    @abstractmethod
    def remove_new(self, change: Change) -> None:
        """Remove the object that a change made. Raises `Refused`, `Unreadable`."""
