"""From an application to the images, networks, volumes and containers it stands for. Pure but for the files it names.

Networks and volumes have their names in Docker as keys; containers and images the deployment's name, the service's and,
for containers, the number of the replica. Each leaf tells the place in the Compose file, or in the manifest, that it
was made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

from msgspec import Struct
from pydantic import ValidationError

from conduit.compose.load import Loaded
from conduit.compose.nodes import Path
from conduit.compose.service import Service
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.look import Look
from conduit.model import Key, Source
from conduit.resources.container_spec import ContainerSpec
from conduit.resources.deployment_application import application_of
from conduit.resources.deployment_container import common_fields, said
from conduit.resources.deployment_reach import served
from conduit.resources.deployment_spec import DeploymentSpec, container_key, image_key
from conduit.resources.image_spec import ImageSpec
from conduit.resources.network_spec import NetworkSpec, own_network
from conduit.resources.volume_spec import VolumeSpec
from conduit.spec import Resource, Spec

M = TypeVar("M", bound=Spec)

BAD_LEAF = Code(
    "CND-1546",
    "an application that does not fit its parts",
    "The application is a valid one, but conduit cannot make the image, network, volume or container that the message "
    "names: a label that only conduit or docker compose may write, for example. Change or remove the field.",
)
OWN_RULES: Final = frozenset(("image", "labels", "networks", "network_mode", "network_of", "serves"))
"""Fields with rules that only a container has. The others were checked as parts of the application, which takes some
in another form: 30s, where a container has milliseconds."""


class Leaves(Struct, frozen=True):
    """Makes the leaves of one deployment."""

    resource: Resource[DeploymentSpec]
    loaded: Loaded
    look: Look

    def all(self) -> Iterator[Resource[Any]]:
        """Yield every leaf. Raises `ConduitError` when a file of the application cannot be read."""
        yield from self._networks()
        yield from self._volumes()
        ports = self.look.once(served).get(self.resource.key.name, {})
        if ports:
            yield self.look.once(_own)
        for name, service in self.loaded.application.services.items():
            yield self._image(name, service)
            yield from self._containers(name, service, ports.get(name, ()))

    def _leaf(self, key: Key, spec: Spec, path: Path, needs: Iterable[Key] = ()) -> Resource[Any]:
        r = self.resource
        return Resource(key, spec, self._place(path), r.root, (*r.needs, *needs), r.protect, r.ignore)

    def _place(self, path: Path) -> Source:
        return self.look.written(self.resource.key).near(self.loaded.source(path, at_key=True))

    def _spec(self, sort: type[M], path: Path, **fields: Any) -> M:
        """Return a leaf's spec. Raises `ConduitError` for what its kind does not take."""
        try:
            return sort(**fields)
        except ValidationError as error:
            found = error.errors(include_url=False, include_context=False, include_input=False)
            told = [(".".join(map(str, each["loc"])) or path[-1], each["msg"]) for each in found]
            summary = f"{self.resource.key}: {'.'.join(map(str, path))}: "
            place = self._place(path)
            raise ConduitError(Diagnostic(BAD_LEAF, f"{summary}{field}: {msg}", place) for field, msg in told) from None

    def _networks(self) -> Iterator[Resource[Any]]:
        application = self.loaded.application
        for alias, network in application.networks.items():
            if not network.external:
                given = network.model_dump(exclude={"name", "external", "enable_ipv4"}, exclude_none=True)
                path = ("networks", alias)
                given |= {"project": application.name, "alias": alias}
                spec = self._spec(NetworkSpec, path, **said(NetworkSpec, given))
                yield self._leaf(Key("network", network.name), spec, path)

    def _volumes(self) -> Iterator[Resource[Any]]:
        application, dangerous = self.loaded.application, self.resource.spec.dangerous
        for alias, volume in application.volumes.items():
            if not volume.external:
                given = volume.model_dump(exclude={"name", "external"}, exclude_none=True)
                path = ("volumes", alias)
                given |= {"project": application.name, "alias": alias, "dangerous": dangerous}
                spec = self._spec(VolumeSpec, path, **said(VolumeSpec, given))
                yield self._leaf(Key("volume", volume.name), spec, path)

    def _image(self, name: str, service: Service) -> Resource[Any]:
        path = ("services", name, "image" if service.build is None else "build")
        given = {"reference": service.image, "build": service.build, "platform": service.platform}
        given |= {"pull_policy": service.pull_policy or "missing"}
        spec = self._spec(ImageSpec, path, **said(ImageSpec, given))
        return self._leaf(image_key(self.resource.key.name, name), spec, path)

    def _containers(self, name: str, service: Service, ports: tuple[int, ...]) -> Iterator[Resource[Any]]:
        path = ("services", name)
        fields = common_fields(name, service, self.resource, self.loaded, self.look)
        fields |= {"serves": ports} if ports else {}
        checked = self._spec(ContainerSpec, path, **{field: fields[field] for field in OWN_RULES & fields.keys()})
        needs = [*self._attached(service), *self._waits(service)]
        if ports:
            needs.append(self.look.once(_own).key)
        for number in range(1, service.deploy.replicas + 1):
            key = container_key(self.resource.key.name, name, number)
            yield self._leaf(key, checked.model_copy(update=fields | {"number": number}), path, needs)

    def _attached(self, service: Service) -> Iterator[Key]:
        """Yield the networks and volumes a service uses; external ones only when something declares them."""
        application = self.loaded.application
        for alias in service.networks:
            network = application.networks[alias]
            yield from self._declared(Key("network", network.name), network.external)
        for mount in service.volumes:
            if mount.type == "volume" and mount.source is not None:
                volume = application.volumes[mount.source]
                yield from self._declared(Key("volume", volume.name), volume.external)

    def _declared(self, key: Key, external: bool) -> Iterator[Key]:
        if not external or key in self.look.once(_made):
            yield key

    def _waits(self, service: Service) -> Iterator[Key]:
        """Yield the containers that come up before those of a service."""
        services, deployment = self.loaded.application.services, self.resource.key.name
        for other in service.depends_on:
            for number in range(1, services[other].deploy.replicas + 1):
                yield container_key(deployment, other, number)


def _own(look: Look) -> Resource[NetworkSpec]:
    return own_network(look.settings)


def _made(look: Look) -> frozenset[Key]:
    """Return the networks and volumes that some manifest or application makes."""
    return frozenset(_each_made(look))


def _each_made(look: Look) -> Iterator[Key]:
    yield from (key for key in look.declared if key.kind != "deployment")
    for resource in (each for each in look.connected() if each.key.kind == "deployment"):
        try:
            application = application_of(resource, look).application
        except ConduitError:
            continue  # told when that deployment itself is expanded
        yield from (Key("network", each.name) for each in application.networks.values() if not each.external)
        yield from (Key("volume", each.name) for each in application.volumes.values() if not each.external)
