"""The networks of an application, and how services join them. Pure."""

from typing import Annotated

from pydantic import Field

from conduit.compose.values import Address, Address4, Address6, Flag, Line, Name, Port, Subnet, one_of
from conduit.spec import Spec


class Attachment(Spec):
    """How a service joins one network."""

    aliases: tuple[Line, ...] = Field((), strict=False)
    """More names it answers to there."""
    ipv4_address: Address4 | None = None
    """Its fixed IPv4 address."""
    ipv6_address: Address6 | None = None
    """Its fixed IPv6 address."""


class PublishedPort(Spec):
    """A port of the container that the host listens for."""

    target: Port
    """The container's port."""
    published: str = ""
    """The host's port, a range to take one from, or nothing: Docker chooses."""
    host_ip: Address | None = None
    """The host's address to listen on; none means all."""
    protocol: Annotated[str, one_of("tcp", "udp", "sctp")] = "tcp"


class Pool(Spec):
    """One address range of a network."""

    subnet: Subnet | None = None
    """All its addresses."""
    ip_range: Subnet | None = None
    """Those given out without being asked for."""
    gateway: Address | None = None
    """The host's address in it."""
    aux_addresses: dict[str, Address] = {}
    """Addresses to leave free, by what they are for."""


class Ipam(Spec):
    """How a network gives out addresses."""

    driver: Line | None = None
    """The driver for it; Docker's own when none is named."""
    config: tuple[Pool, ...] = Field((), strict=False)
    """Its address ranges."""
    options: dict[str, Line] = {}
    """The driver's options."""


class Network(Spec):
    """A network of the application."""

    name: Name
    """Its name in Docker."""
    external: Flag = False
    """It exists already and is not managed here."""
    driver: Line | None = None
    """The network driver; Docker's own (bridge) when none is named."""
    driver_opts: dict[str, Line] = {}
    """The driver's options."""
    ipam: Ipam | None = None
    internal: Flag = False
    """Without a way to the outside."""
    attachable: Flag = False
    """Containers outside the application may join it."""
    enable_ipv4: Flag | None = None
    enable_ipv6: Flag | None = None
    labels: dict[str, str] = {}
    """Labels on the network."""
