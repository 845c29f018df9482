"""network: what containers reach each other through."""

from __future__ import annotations

from conduit.change import Action, Diff
from conduit.kind import Context, Kind
from conduit.model import Live, Native
from conduit.providers.docker_network_form import build, fields
from conduit.resources.network_spec import NetworkSpec
from conduit.spec import Resource


class Network(Kind[NetworkSpec]):
    """A network of containers.

    Docker cannot change one, so a change makes it anew and connects the containers in it again; a container that is not
    ours stands in the way.
    """

    name = "network"
    plural = "networks"
    spec = NetworkSpec
    provider = "docker"
    permission = "networks"

    def render(self, spec: NetworkSpec, ctx: Context) -> Native:
        """Return the network in Docker's words, without a name."""
        return build(spec.model_dump())

    def parse(self, native: Native) -> NetworkSpec | None:
        """Return the spec a network stands for."""
        return NetworkSpec.parsed(fields(native))

    def action(self, want: Resource[NetworkSpec], live: Live, diff: Diff) -> Action:
        """Docker has no way to change a network."""
        return Action.REPLACE
