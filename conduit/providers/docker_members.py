"""Which containers are in a network, and how they leave it and join another with the same names and addresses."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from msgspec import Struct

from conduit.providers.docker_api import refused, told
from conduit.providers.docker_look import Row
from conduit.providers.docker_part import Means
from conduit.providers.docker_shapes import CONTAINER, CONTAINER_DETAIL, NETWORK


class Endpoint(Struct, frozen=True):
    """How one container joins a network; an address is empty when it was left to Docker."""

    container: str
    name: str
    aliases: tuple[str, ...]
    ipv4: str
    ipv6: str


class Members:
    """The containers in networks."""

    def __init__(self, means: Means) -> None:
        self._api, self._marks = means.api, means.marks

    def of(self, network: str, name: str) -> list[Row]:
        """Return the containers in a network, running or not. Raises `Unreadable`."""
        rows = self._api.get("containers", "json", shape=[CONTAINER], all="1")
        return [row for row in rows if endpoint_in(row, network, name)]

    def movable(self, network: str, name: str) -> list[Endpoint]:
        """Return how each container joins a network. Raises `Refused` when one of them is not ours."""
        rows = self.of(network, name)
        for row in rows:
            if self._marks.container_key(row["Labels"], row["Created"]) is None:
                hint = f"docker network disconnect {name} {name_of(row)}, then apply again"
                raise refused(f"{name_of(row)} is in the network {name} and is not ours", hint)
        return [self._endpoint(row, network, name) for row in rows]

    def leave(self, network: str, endpoints: Iterable[Endpoint]) -> None:
        """Disconnect containers. Raises `Refused`."""
        for endpoint in endpoints:
            body = {"Container": endpoint.container, "Force": True}
            self._api.post(f"disconnect {endpoint.name}", "networks", network, "disconnect", body=body)

    def join(self, network: str, endpoints: Iterable[Endpoint]) -> None:
        """Connect containers by the names and, as far as the network has them, the addresses they had.

        Raises `Refused`, `Unreadable`.
        """
        row = self._api.get("networks", network, shape=NETWORK)
        pools = [ip_network(pool["Subnet"]) for pool in row["IPAM"]["Config"] or () if "Subnet" in pool]

        def fitting(address: str) -> str:
            return address if address and any(ip_address(address) in pool for pool in pools) else ""

        for endpoint in endpoints:
            addresses = {"IPv4Address": fitting(endpoint.ipv4), "IPv6Address": fitting(endpoint.ipv6)}
            config = {"Aliases": endpoint.aliases, "IPAMConfig": addresses}
            body = {"Container": endpoint.container, "EndpointConfig": config}
            what = f"connect {endpoint.name} with the network {told(row['Name'])}"
            self._api.post(what, "networks", network, "connect", body=body)

    def _endpoint(self, row: Row, network: str, name: str) -> Endpoint:
        detail = self._api.get("containers", row["Id"], "json", shape=CONTAINER_DETAIL)
        found = endpoint_in(detail, network, name) or {}
        aliases = tuple(alias for alias in found.get("Aliases") or () if not row["Id"].startswith(alias))
        asked = found.get("IPAMConfig") or {}
        return Endpoint(row["Id"], name_of(row), aliases, asked.get("IPv4Address", ""), asked.get("IPv6Address", ""))


def endpoint_in(row: Row, network: str, name: str) -> Row | None:
    """Return how a container is in the network of this id and name, None when it is not.

    One that never ran knows its networks by name only.
    """
    joined = row["NetworkSettings"]["Networks"] or {}
    found = next((each for each in joined.values() if each["NetworkID"] == network), None)
    return found or next((each for by, each in joined.items() if by == name and not each["NetworkID"]), None)


def name_of(row: Row) -> str:
    """Return the name of a container for a person, its id while it has none."""
    names = row["Names"] or [row["Id"]]
    return told(names[0].removeprefix("/"))
