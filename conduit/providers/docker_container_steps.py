"""Single steps on one container through Docker's API: each is one request, refused in Docker's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conduit.errors import Refused
from conduit.model import Native
from conduit.providers.docker_api import CALL_SECONDS, Api, told
from conduit.providers.docker_sdk import calling, client_of
from conduit.providers.docker_shapes import CONTAINER_DETAIL

GRACE: Final = 10
"""Seconds Docker waits between the stop signal and the kill when nothing else is said."""
LONGEST_GRACE: Final = 600
"""Seconds after which a container that is to stop is killed, whatever it asks for."""
LAST_LINES: Final = 5
"""Lines of a container's output that are told when it fails."""


class Steps:
    """What can be done to a container. Every method raises `Refused` when Docker will not, or does not answer."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def find(self, container: str) -> Mapping[str, Any] | None:
        """Return what Docker has of a container by id or name, None when there is no such. Raises `Unreadable`."""
        found: Mapping[str, Any] | None = self._api.find("containers", container, "json", shape=CONTAINER_DETAIL)
        return found

    def create(self, name: str, body: Mapping[str, Any]) -> str:
        """Make a container, not yet started, and return its id."""
        what = f"container {name} cannot be made"
        made = self._api.post(what, "containers", "create", body=body, shape={"Id": str}, name=name)
        return str(made["Id"])

    def connect(self, container: str, network: str, endpoint: Mapping[str, Any]) -> None:
        """Let a container join a network."""
        body = {"Container": container, "EndpointConfig": endpoint}
        self._api.post(f"a container cannot join the network {network}", "networks", network, "connect", body=body)

    def disconnect(self, container: str, network: str) -> None:
        """Take a container out of a network."""
        body = {"Container": container, "Force": True}
        self._api.post(f"a container cannot leave the network {network}", "networks", network, "disconnect", body=body)

    def start(self, container: str) -> None:
        """Start a container; one that runs is left alone."""
        self._api.post("it does not start", "containers", container, "start")

    def pause(self, container: str) -> None:
        """Halt a running container where it is."""
        self._api.post("it does not pause", "containers", container, "pause")

    def unpause(self, container: str) -> None:
        """Let a paused container go on."""
        self._api.post("it stays paused", "containers", container, "unpause")

    def stop(self, container: str, native: Native) -> None:
        """Stop a container: its stop signal, the time it asked for, then the kill."""
        grace = grace_of(native)
        self._api.post("it does not stop", "containers", container, "stop", seconds=CALL_SECONDS + grace, t=str(grace))

    def rename(self, container: str, name: str) -> None:
        """Give a container another name."""
        self._api.post(f"it cannot be named {name}", "containers", container, "rename", name=name)

    def limit(self, container: str, limits: Mapping[str, Any]) -> None:
        """Change what Docker changes on a living container (ContainerUpdate)."""
        self._api.post("its limits do not change", "containers", container, "update", body=limits)

    def remove(self, container: str) -> None:
        """Kill and remove a container, never its volumes; one that is gone is fine."""
        self._api.delete("it cannot be removed", "containers", container, force="1")

    def last_words(self, container: str) -> str:
        """Return the last lines a container printed, fit to be shown; empty when they cannot be had."""
        try:
            with calling("its output cannot be read"):
                printed: bytes = client_of(self._api).logs(container, tail=LAST_LINES)
        except Refused:
            return ""
        return told(printed[-4096:].decode(errors="replace"))


def grace_of(native: Native) -> int:
    """Return the seconds a container has between the stop signal and the kill."""
    return min(LONGEST_GRACE, int(native.get("Config", {}).get("StopTimeout", GRACE)))
