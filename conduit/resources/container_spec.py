"""What one container declares; deployments bring theirs along. See `conduit.resources.container` for the kind."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from conduit.compose.mounts import Mount
from conduit.compose.networks import Attachment
from conduit.compose.process import Process
from conduit.compose.service import ContainerName
from conduit.compose.values import Address4, Flag, Fraction, Inside, Line, Mode, Name, Port, Size, Whole
from conduit.model import Ref
from conduit.providers.docker_marks import RESERVED
from conduit.resources.hidden_spec import Hidden
from conduit.spec import Marker, RefTo, Spec

Condition = Literal["service_started", "service_healthy", "service_completed_successfully"]


class InjectedFile(Spec):
    """A secret or config: a file of the application, mounted read-only."""

    target: Inside
    """The file in the container."""
    content: Annotated[Hidden, Marker.WRITE_ONLY]
    """What it holds, never shown."""
    uid: Line | None = None
    """The owner's number; root without one."""
    gid: Line | None = None
    """The group's number; root without one."""
    mode: Mode | None = None
    """The file's permissions; by default everyone in the container may read it."""


class Followed(Spec):
    """Another container that one is made anew after."""

    container: Annotated[Ref, RefTo("container", "id")]
    """The name of its resource."""


class ContainerSpec(Process):
    """One container: its image, what runs in it, and how it is reached."""

    image: Annotated[Ref, RefTo("image", "id")]
    """The name of the declared image."""
    environment: Annotated[dict[str, Hidden], Marker.WRITE_ONLY] = {}
    """Variables; their values are never shown."""
    container_name: ContainerName | None = None
    """Its exact name in Docker; without one, the resource's own, with -b after it in the second slot."""
    networks: dict[str, Attachment] = {}
    """The networks it joins, by their names in Docker."""
    network_mode: Literal["host", "none", "bridge"] | None = None
    """Instead of networks: the host's own, none at all, or Docker's default bridge."""
    network_of: Annotated[Ref | None, RefTo("container", "id")] = None
    """Another container whose network it shares."""
    pid: Literal["host"] | None = None
    """Whether it sees the host's processes."""
    pid_of: Annotated[Ref | None, RefTo("container", "id")] = None
    """Another container whose processes it sees."""
    ipc: Literal["host", "private", "shareable", "none"] | None = None
    """Its shared memory."""
    ipc_of: Annotated[Ref | None, RefTo("container", "id")] = None
    """Another container whose shared memory it uses."""
    mounts: tuple[Mount, ...] = Field((), strict=False)
    """Volumes by their names in Docker, binds and tmpfs."""
    files: tuple[InjectedFile, ...] = Field((), strict=False)
    """Secrets and configs."""
    cpus: Annotated[Fraction, Field(ge=0)] | None = None
    """Processors, with fractions."""
    memory: Size | None = None
    """Bytes it may use."""
    memory_reservation: Size | None = None
    """Bytes below which memory is not taken back under pressure."""
    pids: Annotated[Whole, Field(ge=-1)] | None = None
    """Processes and threads; -1 is no limit."""
    state: Literal["running", "stopped", "finished"] = "running"
    """Whether it runs, stands still, or has run once to its end."""
    depends_on: dict[str, Condition] = {}
    """What has to be true of other containers before it starts, by the names of their resources."""
    follows: tuple[Followed, ...] = Field((), strict=False)
    """The containers after which it is made anew whenever they were, and restarted by `conduit restart`."""
    serves: tuple[Port, ...] = Field((), strict=False)
    """Ports through which a proxy reaches it; it joins conduit's network and counts as up once they accept."""
    project: Name | None = None
    """The application it belongs to, for tools that go by Compose's labels."""
    service: Name | None = None
    """The service of that application it is one of."""
    number: Annotated[Whole, Field(ge=1)] = 1
    """Which one of that service."""
    dangerous: Flag = False
    """Allows settings that hand over the host."""
    slot: Literal["a", "b"] | None = None
    """Which of two names it has; decided by the plan."""
    address: Address4 | None = None
    """Its address in conduit's network; decided by the plan."""

    @field_validator("labels")
    @classmethod
    def _not_reserved(cls, labels: dict[str, str]) -> dict[str, str]:
        if taken := [name for name in labels if name.startswith(RESERVED)]:
            raise ValueError(f"{taken[0]} is a label that conduit sets itself")
        return labels

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in ("networks", "network_mode", "network_of") if getattr(self, name)]
        if len(ways) > 1:
            raise ValueError(f"{ways[0]} and {ways[1]} exclude each other")
        if self.serves and len(ways) == 1 and ways != ["networks"]:
            raise ValueError(f"a proxy cannot reach it with {ways[0]}; join networks instead")
        return self
