"""deployment: an application of several containers. It expands into images, networks, volumes and containers.

The application is a Compose file, or the same written inside the manifest; docs/compose.md tells what may stand in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from conduit.change import Proof
from conduit.errors import ConduitError
from conduit.kind import Context, Kind
from conduit.look import Look
from conduit.resources.deployment_application import application_of, told
from conduit.resources.deployment_leaves import Leaves
from conduit.resources.deployment_spec import DeploymentSpec
from conduit.spec import Resource


class Deployment(Kind[DeploymentSpec]):
    """An application in containers, from a Compose file or written as one."""

    name = "deployment"
    plural = "deployments"
    spec = DeploymentSpec
    permission = "deployments"
    commands = "conduit.resources.deployment_commands"

    def expand(self, resource: Resource[DeploymentSpec], look: Look) -> Iterable[Resource[Any]]:
        """Return the images, networks, volumes and containers of a deployment. Raises `ConduitError`."""
        loaded = application_of(resource, look)
        written = look.written(resource.key)
        look.warnings.extend(told(warning, written) for warning in loaded.warnings)
        try:
            return list(Leaves(resource, loaded, look).all())
        except ConduitError as error:
            raise ConduitError([told(problem, written) for problem in error.diagnostics]) from None

    def prove(self, ctx: Context, resource: Resource[DeploymentSpec]) -> Proof | None:
        """Ask Docker how the containers are; see `conduit.resources.deployment_proof`."""
        from conduit.resources.deployment_proof import prove

        return prove(ctx, resource.key) if ctx.prober else None
