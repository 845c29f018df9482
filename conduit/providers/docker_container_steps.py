"""Single steps on one container through Docker's API: each is one request, refused in Docker's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conduit.errors import Refused
from conduit.model import Native
from conduit.providers.docker_api import CALL_SECONDS, Api, calling, refused, told
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
        with calling(f"container {name} cannot be made"):
            return str(self._api.client.create_container_from_config(dict(body), name)["Id"])

    def connect(self, container: str, network: str, endpoint: Mapping[str, Any]) -> None:
        """Let a container join a network."""
        addresses = endpoint["IPAMConfig"]
        with calling(f"a container cannot join the network {network}"):
            self._api.client.connect_container_to_network(
                container,
                network,
                aliases=endpoint["Aliases"],
                ipv4_address=addresses.get("IPv4Address"),
                ipv6_address=addresses.get("IPv6Address"),
            )

    def disconnect(self, container: str, network: str) -> None:
        """Take a container out of a network."""
        with calling(f"a container cannot leave the network {network}"):
            self._api.client.disconnect_container_from_network(container, network, force=True)

    def start(self, container: str) -> None:
        """Start a container; one that runs is left alone."""
        with calling("it does not start"):
            self._api.client.start(container)

    def pause(self, container: str) -> None:
        """Halt a running container where it is."""
        with calling("it does not pause"):
            self._api.client.pause(container)

    def unpause(self, container: str) -> None:
        """Let a paused container go on."""
        with calling("it stays paused"):
            self._api.client.unpause(container)

    def stop(self, container: str, native: Native) -> None:
        """Stop a container: its stop signal, the time it asked for, then the kill."""
        with calling("it does not stop"):
            self._api.client.stop(container, timeout=grace_of(native))

    def rename(self, container: str, name: str) -> None:
        """Give a container another name."""
        with calling(f"it cannot be named {name}"):
            self._api.client.rename(container, name)

    def limit(self, container: str, limits: Mapping[str, Any]) -> None:
        """Change what Docker changes on a living container (ContainerUpdate); the SDK's own method lacks some of it."""
        client, what = self._api.client, "its limits do not change"
        with calling(what):
            path = f"/v{client.api_version}/containers/{container}/update"
            answer = client.post(client.base_url + path, json=dict(limits), timeout=CALL_SECONDS)
        if not answer.ok:
            raise refused(f"{what}: {told(answer.text)}")

    def remove(self, container: str) -> None:
        """Kill and remove a container, never its volumes; one that is gone is fine."""
        from docker.errors import NotFound

        with calling("it cannot be removed"):
            try:
                self._api.client.remove_container(container, force=True)
            except NotFound:
                return

    def last_words(self, container: str) -> str:
        """Return the last lines a container printed, fit to be shown; empty when they cannot be had."""
        try:
            with calling("its output cannot be read"):
                printed: bytes = self._api.client.logs(container, tail=LAST_LINES)
        except Refused:
            return ""
        return told(printed[-4096:].decode(errors="replace"))


def grace_of(native: Native) -> int:
    """Return the seconds a container has between the stop signal and the kill."""
    return min(LONGEST_GRACE, int(native.get("Config", {}).get("StopTimeout", GRACE)))
