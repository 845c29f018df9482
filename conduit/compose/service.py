"""One service of an application, in the one form all its spellings come down to. Pure."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from conduit.compose.build import Build
from conduit.compose.health import Healthcheck
from conduit.compose.mounts import Device, FileMount, Mount, Ulimit
from conduit.compose.networks import Attachment, PublishedPort
from conduit.compose.values import (
    Address,
    Duration,
    Flag,
    Fraction,
    Inside,
    Line,
    Name,
    Signal,
    Size,
    SizeOrUnlimited,
    Text,
    Whole,
    matching,
    one_of,
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
PullPolicy = Annotated[
    str,
    matching(
        "always|never|missing|build|daily|weekly|every_(?:[0-9]+[wdhms])+",
        "write always, never, missing, build, daily, weekly or every_ and a duration",
    ),
]
Namespace = Annotated[
    str,
    matching(
        "host|private|shareable|none|(?:service|container):[A-Za-z0-9][A-Za-z0-9_.-]*",
        "write host, service:NAME or container:NAME",
    ),
]
NetworkMode = Annotated[
    str,
    matching(
        "host|none|bridge|(?:service|container):[A-Za-z0-9][A-Za-z0-9_.-]*",
        "write host, none, bridge, service:NAME or container:NAME; networks of the application belong under networks:",
    ),
]
HostName = Annotated[str, matching("[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", "use letters, digits, - and .")]
ContainerName = Annotated[
    str, matching("[A-Za-z0-9][A-Za-z0-9_.-]+", "use two or more letters, digits, _, . and -, a letter or digit first")
]
Platform = Annotated[str, matching("[a-z0-9_]+(?:/[A-Za-z0-9_.]+){0,2}", "write a platform such as linux/arm64")]
Image = Annotated[
    str,
    matching(
        r"[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,511})(?:@sha256:[0-9a-f]{64})?",
        "write an image such as nginx:1.27, or one with @sha256: and its digest",
    ),
]


class Dependency(Spec):
    """What a service waits for before it starts."""

    condition: Annotated[str, one_of("service_started", "service_healthy", "service_completed_successfully")] = (
        "service_started"
    )
    """How far the other service must be."""
    required: Flag = True
    """Whether it may be absent: false only orders the two when both are there."""
    restart: Flag = False
    """Restart this service whenever the other was updated or restarted."""


class Limits(Spec):
    """The most a container may use; absent is no limit."""

    cpus: Annotated[Fraction, Field(ge=0)] | None = None
    """Processors, with fractions."""
    memory: Size | None = None
    """Bytes."""
    pids: Annotated[Whole, Field(ge=-1)] | None = None
    """Processes and threads; -1 is no limit."""


class Reservations(Spec):
    """What is kept for a container."""

    cpus: Annotated[Fraction, Field(ge=0)] | None = None
    """Processors; Docker keeps none without Swarm."""
    memory: Size | None = None
    """Bytes below which memory is not taken back under pressure."""


class Resources(Spec):
    """`deploy.resources`, together with `cpus`, `mem_limit`, `mem_reservation` and `pids_limit` of the service."""

    limits: Limits = Limits()
    reservations: Reservations = Reservations()


class Deploy(Spec):
    """How many containers, with what resources."""

    replicas: Annotated[Whole, Field(ge=0, le=1000)] = 1
    """Containers of this service."""
    resources: Resources = Resources()


class Logging(Spec):
    """Where a container's output goes."""

    driver: Line | None = None
    """The log driver; Docker's own default when none is named."""
    options: dict[str, Line] = {}
    """The driver's options."""


class Service(Spec):
    """A service. Lists in which order means nothing are sorted; an absent field leaves what image and Docker say."""

    image: Image | None = None
    build: Build | None = None
    pull_policy: PullPolicy | None = None
    platform: Platform | None = None
    command: tuple[Text, ...] | None = Field(None, strict=False)
    entrypoint: tuple[Text, ...] | None = Field(None, strict=False)
    """An empty one removes the image's."""
    environment: dict[str, Text] = {}
    """Variables, those of `env_file` included."""
    working_dir: Inside | None = None
    user: Line | None = None
    group_add: tuple[Line, ...] = Field((), strict=False)
    hostname: HostName | None = None
    container_name: ContainerName | None = None
    labels: dict[str, Text] = {}
    profiles: tuple[Name, ...] = Field((), strict=False)
    """The profiles that switch it on; without any it is always on."""
    depends_on: dict[Name, Dependency] = {}
    healthcheck: Healthcheck | None = None
    restart: Restart = "no"
    stop_grace_period: Duration | None = None
    """Milliseconds between the stop signal and the kill."""
    stop_signal: Signal | None = None
    init: Flag | None = None
    deploy: Deploy = Deploy()
    memswap_limit: SizeOrUnlimited | None = None
    """Bytes of memory and swap together; -1 is no limit."""
    shm_size: Size | None = None
    """Bytes of /dev/shm."""
    ulimits: dict[str, Ulimit] = {}
    sysctls: dict[str, Line] = {}
    ports: tuple[PublishedPort, ...] = Field((), strict=False)
    expose: tuple[Exposed, ...] = Field((), strict=False)
    networks: dict[Name, Attachment] = {}
    network_mode: NetworkMode | None = None
    dns: tuple[Address, ...] = Field((), strict=False)
    dns_search: tuple[Line, ...] = Field((), strict=False)
    dns_opt: tuple[Line, ...] = Field((), strict=False)
    extra_hosts: dict[Line, Annotated[tuple[Line, ...], Field(strict=False)]] = {}
    pid: Namespace | None = None
    ipc: Namespace | None = None
    volumes: tuple[Mount, ...] = Field((), strict=False)
    tmpfs: dict[Inside, Line] = {}
    """Options of each tmpfs by its path in the container."""
    secrets: tuple[FileMount, ...] = Field((), strict=False)
    configs: tuple[FileMount, ...] = Field((), strict=False)
    devices: tuple[Device, ...] = Field((), strict=False)
    read_only: Flag = False
    privileged: Flag = False
    cap_add: tuple[Capability, ...] = Field((), strict=False)
    """Without CAP_ before them."""
    cap_drop: tuple[Capability, ...] = Field((), strict=False)
    security_opt: tuple[Line, ...] = Field((), strict=False)
    logging: Logging | None = None

    def namespaces(self) -> dict[str, Any]:
        """Return the namespaces that are shared with something, by the field that says so."""
        return {field: getattr(self, field) for field in ("network_mode", "pid", "ipc") if getattr(self, field)}
