"""Networks in Docker: made, replaced with their containers taken along, and removed when they are empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final

from conduit.change import Action, Change, Disturbance, Impact
from conduit.errors import Diagnostic
from conduit.model import Key, Live, Native, Reading
from conduit.providers.docker_api import REFUSED, NoReply, refused, told
from conduit.providers.docker_look import Row
from conduit.providers.docker_marks import PROTECT
from conduit.providers.docker_members import Endpoint, Members, endpoint_in, name_of
from conduit.providers.docker_network_form import form_of, wish_labels
from conduit.providers.docker_part import InUse, Means, Part, Seen
from conduit.providers.docker_shapes import NETWORK

OWN: Final = frozenset({"bridge", "host", "none", "ingress", "docker_gwbridge"})
"""Networks that Docker makes for itself."""


class Networks(Part):
    """The networks of containers."""

    kind: ClassVar[str] = "network"

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._members = Members(means)

    def lives(self, seen: Seen) -> tuple[Live, ...]:
        """Return all networks but those of Docker itself."""
        return tuple(self._live(row, seen.containers) for row in seen.networks if row["Name"] not in OWN)

    def _live(self, row: Row, containers: Iterable[Row]) -> Live:
        name, labels = told(row["Name"]), row["Labels"] or {}
        key = self.marks.key(self.kind, row["Name"], labels)
        return Live(
            key or Key(self.kind, name),
            row["Id"],
            form_of(row),
            owned=key is not None,
            status={
                "containers": sorted(name_of(each) for each in containers if endpoint_in(each, row["Id"], row["Name"]))
            },
            facts={"id": row["Id"]},
            protected=PROTECT in labels,
            place=name,
        )

    def impact(self, change: Change, reading: Reading) -> Impact:
        """A network that is replaced takes its containers off the net for a moment."""
        attached = change.live.status["containers"] if change.live else ()
        if change.action is not Action.REPLACE or not attached:
            return Impact()
        return Impact(Disturbance.RECREATE, f"network {change.key.name}", 1.0, f"disconnects {', '.join(attached)}")

    def apply(self, change: Change, reading: Reading) -> Mapping[str, Any]:
        """Make a network, or make it anew with the containers in it."""
        protect = change.want is not None and change.want.protect
        if change.live is None:
            return {"id": self._create(change.key, change.native, protect)}
        return {"id": self._replace(change.live, change.key, change.native, protect)}

    def remove(self, live: Live) -> None:
        """Remove a network that no container is in."""
        attached = self._members.of(live.id, live.key.name)
        if attached:
            summary = f"{name_of(attached[0])} is still in the network {live.key.name}"
            raise InUse(Diagnostic(REFUSED, summary, hint="remove that container, then apply again"))
        self._delete(live.id, live.key.name)
        self.site.fail("docker.network.removed")

    def undo(self, change: Change) -> None:
        """Remove a new network, or give one its earlier form back."""
        if change.live is None:
            self.remove_new(change)
            return
        for live in self._ours(change.key):
            self._replace(live, change.key, change.live.native, change.live.protected)

    def remove_new(self, change: Change) -> None:
        """Remove a new network; one that something has joined by now may stay."""
        for live in self._ours(change.key):
            with suppress(InUse):
                self.remove(live)

    def _create(self, key: Key, native: Native, protect: bool) -> str:
        """Make a network and return its id. Raises `Refused`."""
        labels = native["Labels"] | wish_labels(native) | self.marks.labels(key, key.name, protect)
        body = native | {"Name": key.name, "Labels": labels, "CheckDuplicate": True}
        with suppress(NoReply):
            self.api.post(f"make the network {key.name}", "networks", "create", body=body)
        self.site.fail("docker.network.created")
        made = self._ours(key)
        if not made:
            raise refused(f"the network {key.name} is not there after it was made")
        return made[0].id

    def _replace(self, live: Live, key: Key, native: Native, protect: bool) -> str:
        """Make a network anew, with the containers in it, or put everything back. Raises `Refused`."""
        endpoints = self._members.movable(live.id, key.name)
        try:
            return self._swap(live.id, key, native, protect, endpoints)
        except Exception:
            self._put_back(live, key, endpoints)
            raise

    def _swap(self, old: str, key: Key, native: Native, protect: bool, endpoints: Iterable[Endpoint]) -> str:
        self._members.leave(old, endpoints)
        self.site.fail("docker.network.emptied")
        self._delete(old, key.name)
        self.site.fail("docker.network.removed")
        new = self._create(key, native, protect)
        self._members.join(new, endpoints)
        self.site.fail("docker.network.joined")
        return new

    def _put_back(self, live: Live, key: Key, endpoints: Iterable[Endpoint]) -> None:
        """Bring the earlier network back, and each container that is not in it any more."""
        there = self._ours(key)
        if not any(each.id == live.id for each in there):
            for each in there:
                self._delete(each.id, key.name)
            current = self._create(key, live.native, live.protected)
        else:
            current = live.id
        joined = {row["Id"] for row in self._members.of(current, key.name)}
        self._members.join(current, [endpoint for endpoint in endpoints if endpoint.container not in joined])

    def _delete(self, network: str, name: str) -> None:
        with suppress(NoReply):
            self.api.delete(f"remove the network {name}", "networks", network)
        if self.api.find("networks", network, shape=NETWORK) is not None:
            raise refused(f"the network {name} is still there after it was removed")

    def _ours(self, key: Key) -> list[Live]:
        """Return our networks of a key as they are now. Raises `Unreadable`."""
        lives = (self._live(row, ()) for row in self.api.get("networks", shape=[NETWORK]))
        return [live for live in lives if live.owned and live.key == key]
