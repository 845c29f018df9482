"""What an image declares; deployments bring theirs along. See `conduit.resources.image` for the kind."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from conduit.compose.build import Build
from conduit.compose.service import Image, Platform, PullPolicy
from conduit.compose.values import Flag, Line
from conduit.providers.docker_image_form import normal
from conduit.spec import Spec
from conduit.validators import After


class Pin(Spec):
    """Which image a wish stood for in an earlier run."""

    wish: Line
    """The short hash of what was asked for."""
    id: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    """The image's id."""
    digest: str = ""
    """How a registry knows it, as name@sha256:..., empty when none does."""


class ImageSpec(Spec):
    """An image that containers run: fetched by its reference, or built from a directory."""

    reference: Annotated[Image, After(normal)] | None = None
    """The image, such as nginx:1.27; of a built one, the name it gets beside conduit's own."""
    build: Build | None = None
    """How to build it instead of fetching it."""
    platform: Platform | None = None
    """For which platform, such as linux/arm64."""
    pull_policy: PullPolicy = "missing"
    """When it is fetched: missing, unless it is there; never; the others count only for `conduit pull`."""
    content: str = ""
    """The hash of what it is built from, found when the site is loaded."""
    pin: Pin | None = None
    """The very image it has to be; decided by `conduit rollback` and `conduit apply --undo`."""
    dangerous: Flag = False
    """Allows to build from a directory of the host's system."""

    @model_validator(mode="after")
    def _has_origin(self) -> Self:
        if self.reference is None and self.build is None:
            raise ValueError("write a reference, or how to build it")
        return self
