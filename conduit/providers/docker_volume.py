"""Volumes in Docker: made when they are missing, and never removed or made anew, because they hold data."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar

from conduit.change import Change
from conduit.model import Key, Live, Native, Reading
from conduit.providers.docker_api import NoReply, refused, told
from conduit.providers.docker_container_mounts import ANONYMOUS
from conduit.providers.docker_look import Row
from conduit.providers.docker_marks import PREFIX, compose_labels, declared, part_of
from conduit.providers.docker_part import Part, Seen
from conduit.providers.docker_shapes import VOLUME


class Volumes(Part):
    """The named volumes."""

    kind: ClassVar[str] = "volume"

    def lives(self, seen: Seen) -> tuple[Live, ...]:
        """Return all volumes that somebody named."""
        return tuple(self._live(row) for row in seen.volumes if not ANONYMOUS.fullmatch(row["Name"]))

    def _live(self, row: Row) -> Live:
        name = told(row["Name"])
        owned = self.marks.key(self.kind, row["Name"], row["Labels"]) == Key(self.kind, name)
        status = {"mountpoint": told(row["Mountpoint"])}
        return Live(Key(self.kind, name), name, form_of(row), owned, status, place=name)

    def apply(self, change: Change, reading: Reading) -> Mapping[str, Any]:
        """Make a volume; one that somebody else made in the meantime is used as it is."""
        name, native = change.key.name, change.native
        labels = native["Labels"] | self.marks.labels(change.key, name, protect=False)
        body = {"Name": name, "Driver": native["Driver"], "DriverOpts": native["Options"], "Labels": labels}
        with suppress(NoReply):
            self.api.post(f"make the volume {name}", "volumes", "create", body=body)
        self.site.fail("docker.volume.created")
        if self.api.find("volumes", name, shape=VOLUME) is None:
            raise refused(f"the volume {name} is not there after it was made")
        return {}

    def remove(self, live: Live) -> None:
        """Volumes hold data; no plan removes one."""
        raise refused(f"the volume {live.key.name} is kept; remove it by hand with: docker volume rm {live.key.name}")

    def remove_new(self, change: Change) -> None:
        """A new volume stays as well: whatever ran meanwhile may have written to it."""


def build(fields: Mapping[str, Any]) -> Native:
    """Return a volume in Docker's words (API v1.41, VolumeCreate), of the fields of its spec. Pure."""
    return {
        "Driver": fields["driver"],
        "Options": fields["driver_opts"],
        "Labels": fields["labels"] | compose_labels(fields["project"], volume=fields["alias"]),
    }


def form_of(row: Row) -> Native:
    """Return the form of a volume that is there, of its row in Docker's list. Pure."""
    labels = {name: text for name, text in (row["Labels"] or {}).items() if not name.startswith(PREFIX)}
    return {"Driver": row["Driver"], "Options": row["Options"] or {}, "Labels": labels}


def fields_of(native: Native) -> dict[str, Any]:
    """Return the fields of the spec that a form stands for. Pure."""
    labels = native["Labels"]
    return {
        "driver": native["Driver"],
        "driver_opts": native["Options"],
        "labels": declared(labels),
        "project": part_of(labels, "project"),
        "alias": part_of(labels, "volume"),
    }
