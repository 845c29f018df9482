"""Containers in Docker: what there is, and how one is made, changed, replaced, taken back and removed."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, ClassVar, Final

from msgspec.structs import replace

from conduit.change import READY, Action, Change, Readiness
from conduit.errors import ConduitError, Unreadable
from conduit.evidence import Evidence
from conduit.model import Live, Reading
from conduit.providers.docker_api import CONNECT_SECONDS, refused
from conduit.providers.docker_container_bring import Form, bring
from conduit.providers.docker_container_files import InjectedFiles
from conduit.providers.docker_container_form import sealing
from conduit.providers.docker_container_lives import foreign, originals, ours
from conduit.providers.docker_container_make import Maker, name_for, spec_of
from conduit.providers.docker_container_needs import Needs
from conduit.providers.docker_container_ready import readiness
from conduit.providers.docker_container_steps import Steps
from conduit.providers.docker_container_switch import held_twice
from conduit.providers.docker_part import Means, Part, Seen
from conduit.providers.docker_shapes import CONTAINER

RUNNING: Final = frozenset({"running", "paused", "restarting"})
HIDDEN: Final = "(secret)"
SUFFIX_OF_OLD: Final = "-old"
"""Ends the name of a container that waits, stopped, until the one with its name is ready."""


class Containers(Part):
    """The containers of one Docker."""

    kind: ClassVar[str] = "container"

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._steps = Steps(self.api)
        self._files = InjectedFiles(means.files, self.site.fingerprint)
        self._seal = sealing(self.site.fingerprint, self.site.secret)
        self._maker = Maker(self._steps, self.marks, self.config, self.site, self._files)
        self._needs = Needs(means, self._steps)

    def lives(self, seen: Seen) -> tuple[Live, ...]:
        """Return every container; of ours, those that run come first, and of these the newest."""
        self._files.seen.clear()
        own = originals(seen.details.values(), self._maker.key_of)
        found = [ours(key, detail, self.config, self._seal, self._files.form_at) for key, detail in own]
        known = {live.id for live in found}
        return (*found, *(foreign(row, self.config) for row in seen.containers if row["Id"] not in known))

    def apply(self, change: Change, reading: Reading) -> Mapping[str, Any]:
        """Make, change or replace a container; after an error all is as it was before."""
        if change.action is not Action.UPDATE or not change.live or any(_moved(change, change.live)):
            self._needs.wait(change)
        if change.live is None:
            container = self._maker.make(change)
        elif change.action is Action.UPDATE:
            container = change.live.id
            self._update(change, change.live)
        else:
            container = self._replace(change, change.live)
        address = spec_of(change).address
        return {"id": container} | ({"address": address} if address else {})

    def evidence(self) -> Iterable[Evidence]:
        """Return what was seen of the injected files."""
        return tuple(self._files.seen.values())

    def undo(self, change: Change) -> None:
        """Remove what a change made, and give the container that was there before its name, form and state again."""
        self.remove_new(change)
        if change.live is not None:
            self._put_back(change.live)

    def remove_new(self, change: Change) -> None:
        """Remove the container that a change made, and the files only that one used."""
        self._maker.discard(name_for(change), change)
        self._sweep()

    def remove(self, live: Live) -> None:
        """Stop a container as it asks for, and remove it; its volumes stay."""
        found = self._steps.find(live.id)
        if found is None:
            return
        if found["State"]["Running"]:
            self._steps.stop(live.id, live.native)
        self._steps.remove(live.id)
        self.site.fail("docker.container.removed")
        self._sweep()

    def recover(self, seen: Seen) -> Iterable[str]:
        """Delete files that a killed run left; containers it left are superseded or drift, which plans take care of."""
        self._sweep()
        return ()

    def ready(self, change: Change) -> Readiness:
        """Look at the container a change made, or at the one it changed, and at its ports."""
        spec, live = spec_of(change), change.live
        if change.action is Action.UPDATE and live and not any(_moved(change, live)):
            return READY
        try:
            found = self._steps.find(name_for(change))
        except Unreadable as error:
            return Readiness(False, str(error.diagnostics[0].summary))
        if found is None:
            return Readiness(False, "it is gone", wait=False)
        ready = readiness(found, spec.state, spec.serves, partial(_accepts, spec.address), self.site.now())
        if ready.ready or ready.wait:
            return ready
        return replace(ready, detail=f"{ready.detail}{self._last_words(found['Id'], change)}")

    def _last_words(self, container: str, change: Change) -> str:
        """Return what a container printed last, without the secret values it was given."""
        said = self._steps.last_words(container)
        for value in self._maker.secrets(change):
            said = said.replace(value, HIDDEN)
        return f"; it said: {said}" if said else ""

    def _update(self, change: Change, live: Live) -> None:
        after = Form(change.key.name, change.native, spec_of(change).address)
        try:
            self._name(change, live, name_for(change))
            bring(self._steps, self.config, live.id, _form(live), after)
        except (ConduitError, OSError):
            self._put_back(live)
            raise

    def _replace(self, change: Change, live: Live) -> str:
        """Make the new container beside the old one, or after stopping it when both cannot run at once."""
        alone = bool(held_twice(change.native, live))
        try:
            if alone and live.native["State"] in RUNNING:
                self._steps.stop(live.id, live.native)
                self.site.fail("docker.container.old_stopped")
            if live.place == name_for(change):
                self._name(change, live, f"{live.place}{SUFFIX_OF_OLD}")
            return self._maker.make(change)
        except (ConduitError, OSError):
            self._put_back(live)
            raise

    def _put_back(self, live: Live) -> None:
        """Bring a container that is still there back to what it was. Raises `Refused`, `Unreadable`."""
        found = self._steps.find(live.id)
        if found is None:
            raise refused(f"{live.place} is gone", "look at what else works on this Docker")
        is_now = ours(live.key, found, self.config, self._seal, self._files.form_at)
        if is_now.place != live.place:
            self._steps.rename(live.id, live.place)
        bring(self._steps, self.config, live.id, _form(is_now), _form(live))

    def _name(self, change: Change, live: Live, name: str) -> None:
        """Give a container another name, which one of ours may still have that a killed run left."""
        if live.place != name:
            self._maker.discard(name, change)
            self._steps.rename(live.id, name)

    def _sweep(self) -> None:
        """Delete the injected files that no container mounts any more."""
        if self._files.any():
            rows = self.api.get("containers", "json", shape=[CONTAINER], all="1")
            self._files.keep_only({mount.get("Source") for row in rows for mount in row["Mounts"]})


def _form(live: Live) -> Form:
    return Form(live.key.name, live.native, live.facts.get("address"))


def _moved(change: Change, live: Live) -> Iterator[bool]:
    """Yield whether an update touches what a container has to be ready for again."""
    yield from (live.native.get(part) != change.native.get(part) for part in ("State", "Reached"))


def _accepts(address: str, port: int) -> bool:
    """Return whether something listens on a port of a container."""
    try:
        with socket.create_connection((address, port), timeout=CONNECT_SECONDS):
            return True
    except OSError:
        return False
