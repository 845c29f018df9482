"""How a site names the part of a deployment that answers it. What that leads to is found by `deployment_reach`.

Imports nothing of applications: most sites have none behind them.
"""

from typing import Annotated, Self

from pydantic import Field, model_validator

from conduit import grammar
from conduit.spec import Spec
from conduit.validators import After

ResourceName = Annotated[str, After(grammar.name)]


class Reach(Spec):
    """The part of a site's spec that names the deployment behind it."""

    deployment: ResourceName | None = Field(None, description="the deployment that answers, instead of an upstream")
    container: str | None = Field(
        None,
        pattern=r"^[a-zA-Z0-9._-]{1,128}$",  # as the Compose Specification names services
        description="its service that answers; by default the only one that exposes or publishes a port",
    )
    container_port: int | None = Field(
        None, ge=1, le=65535, description="the port there; by default the only one it exposes or publishes"
    )

    @model_validator(mode="after")
    def _with_a_deployment(self) -> Self:
        idle = [field for field in ("container", "container_port") if getattr(self, field) is not None]
        if idle and self.deployment is None:
            raise ValueError(f"{idle[0]} means nothing without a deployment")
        return self
