"""How an image is built. Pure."""

from conduit.compose.values import Line, Text
from conduit.spec import Spec


class Build(Spec):
    """The `build` of a service."""

    context: Line
    """The directory, as an absolute path, or the URL of a git repository or archive."""
    dockerfile: Line = "Dockerfile"
    """The Dockerfile, relative to the context or absolute."""
    args: dict[str, Text] = {}
    """Build arguments."""
    target: Line | None = None
    """The stage to build; without it, the last."""
