"""How one container of a service runs, whoever starts it. Pure."""

from typing import Annotated

from pydantic import Field

from conduit.compose.health import Healthcheck
from conduit.compose.mounts import Device, Ulimit
from conduit.compose.networks import PublishedPort
from conduit.compose.values import (
    Address,
    Duration,
    Flag,
    Inside,
    Line,
    Signal,
    Size,
    SizeOrUnlimited,
    Text,
    matching,
)
from conduit.spec import Spec

Exposed = Annotated[str, matching("[0-9]{1,5}/(?:tcp|udp|sctp)", "write a port, or a port and /tcp, /udp or /sctp")]
Capability = Annotated[str, matching("[A-Z][A-Z0-9_]*", "write a capability such as NET_ADMIN")]
Restart = Annotated[
    str,
    matching(
        "no|always|unless-stopped|on-failure(?::[1-9][0-9]{0,5})?",
        "write no, always, unless-stopped, on-failure or on-failure:TIMES",
    ),
]
HostName = Annotated[str, matching("[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", "use letters, digits, - and .")]


class Logging(Spec):
    """Where a container's output goes."""

    driver: Line | None = None
    """The log driver; Docker's own default when none is named."""
    options: dict[str, Line] = {}
    """The driver's options."""


class Process(Spec):
    """What runs in a container and what it may do. Lists in which order means nothing are sorted.

    An absent field leaves what image and Docker say.
    """

    command: tuple[Text, ...] | None = Field(None, strict=False)
    entrypoint: tuple[Text, ...] | None = Field(None, strict=False)
    """An empty one removes the image's."""
    working_dir: Inside | None = None
    user: Line | None = None
    group_add: tuple[Line, ...] = Field((), strict=False)
    hostname: HostName | None = None
    labels: dict[str, Text] = {}
    healthcheck: Healthcheck | None = None
    restart: Restart = "no"
    stop_grace_period: Duration | None = None
    """Milliseconds between the stop signal and the kill."""
    stop_signal: Signal | None = None
    init: Flag | None = None
    memswap_limit: SizeOrUnlimited | None = None
    """Bytes of memory and swap together; -1 is no limit."""
    shm_size: Size | None = None
    """Bytes of /dev/shm."""
    ulimits: dict[str, Ulimit] = {}
    sysctls: dict[str, Line] = {}
    ports: tuple[PublishedPort, ...] = Field((), strict=False)
    expose: tuple[Exposed, ...] = Field((), strict=False)
    dns: tuple[Address, ...] = Field((), strict=False)
    dns_search: tuple[Line, ...] = Field((), strict=False)
    dns_opt: tuple[Line, ...] = Field((), strict=False)
    extra_hosts: dict[Line, Annotated[tuple[Line, ...], Field(strict=False)]] = {}
    tmpfs: dict[Inside, Line] = {}
    """Options of each tmpfs by its path in the container."""
    devices: tuple[Device, ...] = Field((), strict=False)
    read_only: Flag = False
    privileged: Flag = False
    cap_add: tuple[Capability, ...] = Field((), strict=False)
    """Without CAP_ before them."""
    cap_drop: tuple[Capability, ...] = Field((), strict=False)
    security_opt: tuple[Line, ...] = Field((), strict=False)
    logging: Logging | None = None
