"""What a volume declares; deployments bring theirs along. See `conduit.resources.volume` for the kind."""

from conduit.compose.values import Flag, Line, Name
from conduit.providers.docker_marks import Labels
from conduit.spec import Spec


class VolumeSpec(Spec):
    """A volume; its name is that of the resource. It is never deleted by a plan."""

    driver: Line = "local"
    """The volume driver."""
    driver_opts: dict[str, Line] = {}
    """The driver's options."""
    labels: Labels = {}
    """Labels on the volume."""
    project: Name | None = None
    """The application it belongs to, for tools that go by Compose's labels."""
    alias: Name | None = None
    """Its name inside that application."""
    dangerous: Flag = False
    """Allows options that hand over a part of the host's system."""
