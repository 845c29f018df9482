"""What a container network declares; deployments bring theirs along. See `conduit.resources.network` for the kind."""

from conduit.compose.networks import Ipam, Pool
from conduit.compose.values import Flag, Line, Name
from conduit.model import Key, Source
from conduit.providers.docker_config import Config
from conduit.providers.docker_marks import Labels
from conduit.settings import Settings
from conduit.spec import Resource, Spec


class NetworkSpec(Spec):
    """A network of containers; its name is that of the resource."""

    driver: Line = "bridge"
    """The network driver."""
    driver_opts: dict[str, Line] = {}
    """The driver's options."""
    ipam: Ipam | None = None
    """How it gives out addresses; absent, Docker chooses."""
    internal: Flag = False
    """Without a way to the outside."""
    attachable: Flag = False
    """Containers outside the application may join it."""
    enable_ipv6: Flag = False
    """Whether it has IPv6 addresses."""
    labels: Labels = {}
    """Labels on the network."""
    project: Name | None = None
    """The application it belongs to, for tools that go by Compose's labels."""
    alias: Name | None = None
    """Its name inside that application."""


def own_network(settings: Settings) -> Resource[NetworkSpec]:
    """Return conduit's own network, which everyone who needs it brings along: always in the very same form.

    Its lower half is assigned by conduit, its upper half given out by Docker.
    """
    config = Config.model_validate(settings.sections.get("docker") or {})
    pool = Pool(subnet=config.subnet, ip_range=config.dynamic, gateway=config.gateway)
    return Resource(Key("network", config.network), NetworkSpec(ipam=Ipam(config=(pool,))), Source("conduit.yaml"))
