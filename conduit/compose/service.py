"""One service of an application, in the one form all its spellings come down to. Pure.

Defaults are constructed: to validate one would build the validator of its model whenever this module is imported.
"""

from typing import Annotated, Any

from pydantic import Field

from conduit.compose.build import Build
from conduit.compose.mounts import FileMount, Mount
from conduit.compose.networks import Attachment
from conduit.compose.process import Process
from conduit.compose.values import (
    Flag,
    Fraction,
    Name,
    Size,
    Text,
    Whole,
    matching,
    one_of,
)
from conduit.spec import Spec

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

    limits: Limits = Limits.model_construct()
    reservations: Reservations = Reservations.model_construct()


class Deploy(Spec):
    """How many containers, with what resources."""

    replicas: Annotated[Whole, Field(ge=0, le=1000)] = 1
    """Containers of this service."""
    resources: Resources = Resources.model_construct()


class Service(Process):
    """A service: its image, what a container of it does, and how it joins the others."""

    image: Image | None = None
    build: Build | None = None
    environment: dict[str, Text] = {}
    """Variables, those of `env_file` included."""
    pull_policy: PullPolicy | None = None
    platform: Platform | None = None
    container_name: ContainerName | None = None
    profiles: tuple[Name, ...] = Field((), strict=False)
    """The profiles that switch it on; without any it is always on."""
    depends_on: dict[Name, Dependency] = {}
    deploy: Deploy = Deploy.model_construct()
    networks: dict[Name, Attachment] = {}
    network_mode: NetworkMode | None = None
    pid: Namespace | None = None
    ipc: Namespace | None = None
    volumes: tuple[Mount, ...] = Field((), strict=False)
    secrets: tuple[FileMount, ...] = Field((), strict=False)
    configs: tuple[FileMount, ...] = Field((), strict=False)

    def namespaces(self) -> dict[str, Any]:
        """Return the namespaces that are shared with something, by the field that says so."""
        return {field: getattr(self, field) for field in ("network_mode", "pid", "ipc") if getattr(self, field)}
