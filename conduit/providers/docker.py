"""Docker: one look for everything, then one call after the other for each object, several objects at a time.

What is particular to a sort of object is its `Part`. An object has an outcome of its own, and what was asked for and
not answered is looked up, never assumed.
"""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property, partial
from typing import Any, ClassVar, Final, TypeVar

from conduit.canonical import digest_of
from conduit.change import Action, Change, Impact, Outcome, Readiness, Result, by_key
from conduit.errors import ConduitError, Unreadable
from conduit.evidence import Evidence
from conduit.model import NO_FIELDS, Key, Live
from conduit.providers.base import ObjectProvider, Reading
from conduit.providers.docker_api import Api
from conduit.providers.docker_config import Config as Config
from conduit.providers.docker_container import Containers
from conduit.providers.docker_container_steps import Steps
from conduit.providers.docker_events import listen
from conduit.providers.docker_image import Images
from conduit.providers.docker_look import Row, Seen, hash_of_look, look, question_of, without
from conduit.providers.docker_marks import Marks
from conduit.providers.docker_network import Networks
from conduit.providers.docker_part import InUse, Means, Part
from conduit.providers.docker_volume import Volumes

PARTS: Final[tuple[type[Part], ...]] = (Containers, Networks, Volumes, Images)
"""Every sort of object. What is removed or taken back goes sort by sort in this order: what uses others goes first."""
WORKERS: Final = 4
"""Changes made at a time; more do not make Docker faster."""
API: Final = (1, 41)
"""The oldest version of Docker's API that conduit was tried with (Docker 20.10)."""

T = TypeVar("T")
Work = tuple[Key, Action, Callable[[], Mapping[str, Any] | None]]
"""What is done for one object; it returns the new facts, and raises ConduitError or OSError."""


class Docker(ObjectProvider):
    """The containers, networks, volumes and images of one Docker daemon."""

    name: ClassVar[str] = "docker"
    order: ClassVar[int] = 10
    slow: ClassVar[bool] = True
    config: Config

    def read(self) -> Reading:
        """Look at everything once. Raises `Unreadable` when Docker does not answer in full."""
        return self._told(look(self._means.api, self._detailed))

    def read_again(self, reading: Reading, changed: Collection[Key]) -> Reading:
        """List everything, and look at the details of what was changed or stands otherwise in the lists."""
        ids = {live.id for lives in reading.objects.values() for live in lives if live.key in changed}
        return self._told(look(self._means.api, self._detailed, before=without(reading.raw, ids)))

    def _told(self, seen: Seen) -> Reading:
        """Return what was seen as objects. Raises `Unreadable` when it is not what Docker would say."""
        try:
            objects = {part.kind: part.lives(seen) for part in self._parts.values()}
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise self._means.api.strange() from error
        told = [(live.key, live.id, live.native, live.owned) for lives in objects.values() for live in lives]
        return Reading(objects, digest_of(told), raw=seen)

    def evidence(self, reading: Reading) -> tuple[Evidence, ...] | None:
        """Everything that was seen, without the clocks in it."""
        seen = reading.raw
        beside = (each for part in self._parts.values() for each in part.evidence())
        return (Evidence("docker", question_of(self._means.api, seen), hash_of_look(seen)), *beside)

    def impact(self, change: Change, reading: Reading) -> Impact:
        """What the part says."""
        return self._parts[change.key.kind].impact(change, reading)

    def apply(self, changes: Iterable[Change], reading: Reading) -> dict[Key, Outcome]:
        """Make the changes, several at a time."""
        parts = self._parts
        return self._side_by_side(
            (change.key, change.action, partial(parts[change.key.kind].apply, change, reading)) for change in changes
        )

    def ready(self, change: Change) -> Readiness:
        """Ask the part."""
        return self._parts[change.key.kind].ready(change)

    def remove(self, lives: Iterable[Live]) -> dict[Key, Outcome]:
        """Delete owned objects by their ids, what uses others first."""
        outcomes: dict[Key, Outcome] = {}
        for kind, group in self._by_kind(lives, lambda live: live.key):
            work = [(live.key, Action.DELETE, partial(self._parts[kind].remove, live)) for live in group]
            outcomes |= self._side_by_side(work)
        return outcomes

    def undo(self, changes: Iterable[Change], earlier: Reading) -> dict[Key, Outcome]:
        """Take back the changes, those of objects that use others first."""
        outcomes: dict[Key, Outcome] = {}
        for kind, group in self._by_kind(changes, lambda change: change.key):
            work = [(change.key, change.action, partial(self._parts[kind].undo, change)) for change in group]
            outcomes |= self._side_by_side(work)
        return outcomes

    def restart(self, live: Live) -> bool:
        """Stop a container and start it again; tell whether it runs then. Raises `Refused`, `Unreadable`."""
        steps = Steps(self._means.api)
        steps.stop(live.id, live.native)
        steps.start(live.id)
        found = steps.find(live.id)
        return found is not None and bool(found["State"]["Running"])

    def listen(self, changed: Callable[[], None], stop: threading.Event) -> None:
        """Follow Docker's events."""
        listen(self._means.api.path, changed, stop)

    def recover(self) -> tuple[str, ...]:
        """Let each part finish what a killed run left half made."""
        try:
            seen = look(self._means.api, self._detailed)
            return tuple(told for part in self._parts.values() for told in part.recover(seen))
        except ConduitError as error:
            return (f"what the killed run left in Docker stays for now: {error.diagnostics[0].summary}",)

    def check(self) -> Iterable[str]:
        """Ask for the version, and look at who may command Docker through its socket."""
        api = self._means.api
        try:
            version = api.get("version", shape={"Version": str, "ApiVersion": str})
        except Unreadable as error:
            yield str(error)
            return
        if _numbers(version["ApiVersion"]) < API:
            wanted = ".".join(map(str, API))
            yield f"Docker {version['Version']} speaks API {version['ApiVersion']}; upgrade to one of {wanted} or newer"
        if api.path.stat().st_mode & stat.S_IWOTH:
            yield f"{api.path} lets every user command this host as root; chmod o-rw {api.path}"

    @cached_property
    def _means(self) -> Means:
        api = Api(self.settings.path(self.config.socket))
        files = self.settings.path(self.config.files) / self.settings.site
        return Means(api, Marks(self.settings.site, self.site.mark), self.config, self.site, files)

    @cached_property
    def images(self) -> Images:
        """The images of this daemon."""
        return Images(self._means)

    @cached_property
    def _parts(self) -> dict[str, Part]:
        return {part.kind: part(self._means) for part in PARTS}

    def _detailed(self, containers: Iterable[Row], images: Iterable[Row]) -> tuple[list[str], list[str]]:
        """Choose our containers, their images, and those that have a name of ours."""
        ours = [row for row in containers if self._means.marks.container_key(row["Labels"], row["Created"])]
        named = {row["Id"] for row in images if self.images.matters(row)}
        return [row["Id"] for row in ours], sorted(named | {row["ImageID"] for row in ours})

    def _side_by_side(self, work: Iterable[Work]) -> dict[Key, Outcome]:
        """Do the work of each object, several at a time; one alone needs no pool, which takes long to import."""
        items = list(work)
        if len(items) < 2:
            return by_key(map(_attempt, items))
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(WORKERS, self.parallel or WORKERS), "docker") as pool:
            return by_key(list(pool.map(_attempt, items)))

    def _by_kind(self, items: Iterable[T], key: Callable[[T], Key]) -> Iterable[tuple[str, list[T]]]:
        items = list(items)
        return [(kind, [item for item in items if key(item).kind == kind]) for kind in self._parts]


PROVIDER = Docker


def _attempt(work: Work) -> Outcome:
    key, action, do = work
    started = time.monotonic()
    try:
        facts, result, reason = do(), Result.OK, ""
    except InUse as error:
        facts, result, reason = None, Result.SKIPPED, _told(error)
    except ConduitError as error:
        facts, result, reason = None, Result.FAILED, _told(error)
    except OSError as error:
        facts, result, reason = None, Result.FAILED, str(error)
    return Outcome(key, action, result, reason, time.monotonic() - started, facts or NO_FIELDS)


def _told(error: ConduitError) -> str:
    """Return what went wrong, and what to do about it where that is known."""
    first = error.diagnostics[0]
    return f"{first.summary}; {first.hint}" if first.hint else first.summary


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
