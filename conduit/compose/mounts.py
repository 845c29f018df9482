"""What a container finds in its file system: volumes, binds, secrets, configs, devices. Pure."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from conduit.compose.short_forms import PROPAGATIONS
from conduit.compose.values import Flag, Inside, Line, Mode, Name, Size, Whole, matching, one_of
from conduit.spec import Spec


class BindOptions(Spec):
    """What only a bind has."""

    propagation: Annotated[str, one_of(*PROPAGATIONS)] | None = None
    """How mounts below it spread."""
    create_host_path: Flag = True
    """Make the directory on the host when nothing is there."""
    selinux: Annotated[str, one_of("z", "Z")] | None = None
    """The SELinux label: shared or private."""


class VolumeOptions(Spec):
    """What only a volume has."""

    nocopy: Flag = False
    """Do not fill a new volume with what the image has at the target."""
    subpath: Line | None = None
    """The directory inside the volume to mount."""


class TmpfsOptions(Spec):
    """What only a tmpfs has."""

    size: Size | None = None
    """Bytes it may hold."""
    mode: Mode | None = None
    """Its permissions."""


class Mount(Spec):
    """One entry of `volumes` of a service."""

    type: Annotated[str, one_of("bind", "volume", "tmpfs")]
    """bind: a path of the host; volume: a named or anonymous volume; tmpfs: memory."""
    source: Line | None = None
    """The host's absolute path, or the volume as it is named in this application; none for an anonymous volume."""
    target: Inside
    """The path in the container."""
    read_only: Flag = False
    """Mount it so that the container cannot write."""
    bind: BindOptions | None = None
    volume: VolumeOptions | None = None
    tmpfs: TmpfsOptions | None = None

    @model_validator(mode="after")
    def _fits_its_type(self) -> Self:
        others = [kind for kind in ("bind", "volume", "tmpfs") if kind != self.type and getattr(self, kind) is not None]
        if others:
            raise ValueError(f"a mount of type {self.type} has no {others[0]}: options")
        if self.type == "bind" and not self.source:
            raise ValueError("a bind needs a source, the path on the host")
        if self.type == "tmpfs" and self.source:
            raise ValueError("a tmpfs has no source")
        return self


class FileMount(Spec):
    """One entry of `secrets` or `configs` of a service."""

    source: Name
    """The secret or config as it is named in this application."""
    target: Inside
    """The file in the container."""
    uid: Line | None = None
    """The owner's number."""
    gid: Line | None = None
    """The group's number."""
    mode: Mode | None = None
    """The file's permissions."""


class Device(Spec):
    """A device of the host that a container may use."""

    source: Inside
    """Its path on the host."""
    target: Inside
    """Its path in the container."""
    permissions: Annotated[str, matching("r?w?m?", "write rwm or a part of it, in this order")] = "rwm"
    """Read, write, make nodes."""


class Content(Spec):
    """A secret or config of the application; exactly one source."""

    file: Line | None = None
    """The absolute path of the file it is read from."""
    environment: Annotated[str, matching("[A-Za-z_][A-Za-z0-9_]*", "write the name of a variable")] | None = None
    """The variable of the deployment's environment that holds it."""
    content: str | None = None
    """The text itself; only a config has it."""


class Volume(Spec):
    """A volume of the application."""

    name: Name
    """Its name in Docker."""
    external: Flag = False
    """It exists already and is not managed here."""
    driver: Line | None = None
    """The volume driver; Docker's own when none is named."""
    driver_opts: dict[str, Line] = {}
    """The driver's options."""
    labels: dict[str, str] = {}
    """Labels on the volume."""


class Ulimit(Spec):
    """A limit of the kernel on the container's processes; -1 is no limit."""

    soft: Annotated[Whole, Field(ge=-1)]
    hard: Annotated[Whole, Field(ge=-1)]
