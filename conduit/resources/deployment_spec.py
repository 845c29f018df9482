"""What a deployment declares. See `conduit.resources.deployment` for the kind."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from conduit.compose.values import Line, Text, matching
from conduit.model import Key, Secret
from conduit.spec import Spec

Variable = Annotated[str, matching("[A-Za-z_][A-Za-z0-9_]*", "write a name of letters, digits and _")]
Profile = Annotated[str, matching(r"\*|[A-Za-z0-9][A-Za-z0-9_.-]*", "write a profile, or * for all of them")]


class DeploymentSpec(Spec):
    """A Compose application, its variables, and whether it runs."""

    compose: dict[str, Any] | None = Field(None, description="the application, written as in a Compose file")
    file: Line | None = Field(None, description="the Compose file instead, counted from the manifest's directory")
    env: dict[Variable, Text | Secret] = Field(
        default_factory=dict, description="variables of the application, before those of .env; a secret by its name"
    )
    profiles: tuple[Profile, ...] | None = Field(
        None, strict=False, description="the profiles that are on; by default those of COMPOSE_PROFILES"
    )
    state: Literal["running", "stopped"] = Field("running", description="whether its containers run or stand still")
    dangerous: bool = Field(False, description="allows settings that hand over the host")

    @model_validator(mode="after")
    def _one_application(self) -> Self:
        if (self.compose is None) == (self.file is None):
            raise ValueError("write exactly one of compose and file")
        return self


def container_key(deployment: str, service: str, number: int) -> Key:
    """Return the key of one container of a deployment; `number` counts the replicas from 1."""
    return Key("container", f"{deployment}-{service}-{number}")


def image_key(deployment: str, service: str) -> Key:
    """Return the key of the image of a service of a deployment."""
    return Key("image", f"{deployment}-{service}")
