"""The section `docker` of conduit.yaml, and what follows from it without asking Docker."""

from functools import cached_property
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field

from conduit.settings import ConfigPath, Section
from conduit.validators import After

SMALLEST_PREFIX = 29
"""A network of eight addresses: four to assign, minus the network and the gateway."""


def _subnet(text: str) -> str:
    network = ip_network(text)
    if not isinstance(network, IPv4Network) or not network.is_private or network.prefixlen > SMALLEST_PREFIX:
        raise ValueError(f"use a private IPv4 network of /{SMALLEST_PREFIX} or larger, such as 10.213.0.0/20")
    return str(network)


class Config(Section):
    """The section `docker`: where the daemon listens, and the network through which proxies reach containers."""

    socket: ConfigPath = Path("/var/run/docker.sock")
    """The daemon's unix socket."""
    network: str = Field("conduit", pattern=r"^[a-z0-9][a-z0-9_.-]{0,62}$")
    """The name of conduit's own network; two sites on one machine use two."""
    subnet: Annotated[str, After(_subnet)] = "10.213.0.0/20"
    """Its addresses: the lower half is assigned by conduit, the upper half by Docker."""
    files: ConfigPath = Path("/etc/conduit/docker")
    """Secrets and configs of applications, mounted into their containers."""

    @cached_property
    def own(self) -> IPv4Network:
        """Conduit's own network."""
        return IPv4Network(self.subnet)

    @property
    def gateway(self) -> str:
        """The host's address in conduit's network."""
        return str(self.own[1])

    @property
    def dynamic(self) -> str:
        """The upper half, which Docker gives out."""
        return str(list(self.own.subnets())[1])

    @property
    def assignable(self) -> tuple[int, int]:
        """The first and the last address of the lower half, as numbers, without network and gateway."""
        lower = next(self.own.subnets())
        return int(lower[2]), int(lower[-1])
