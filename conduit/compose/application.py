"""An application: its services and what they share. Equal applications are equal values. Pure."""

from conduit.compose.mounts import Content, Volume
from conduit.compose.networks import Network
from conduit.compose.service import Service
from conduit.compose.values import Name
from conduit.spec import Spec


class Application(Spec):
    """A Compose application: the services whose profile is on, and what they use."""

    name: Name
    """The project: it begins the names of containers, networks and volumes."""
    services: dict[Name, Service] = {}
    networks: dict[Name, Network] = {}
    volumes: dict[Name, Volume] = {}
    secrets: dict[Name, Content] = {}
    configs: dict[Name, Content] = {}
