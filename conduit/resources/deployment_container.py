"""What all containers of one service of an application have in common. Pure but for the files it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conduit.compose.application import Application
from conduit.compose.load import Loaded
from conduit.compose.mounts import Mount
from conduit.compose.networks import Attachment
from conduit.compose.process import Process
from conduit.compose.service import Service
from conduit.look import Look
from conduit.model import Key, Ref
from conduit.resources.container_spec import ContainerSpec, Followed
from conduit.resources.deployment_files import files_of
from conduit.resources.deployment_secrets import tokens_of
from conduit.resources.deployment_spec import DeploymentSpec, container_key, image_key
from conduit.spec import Resource, Spec

COMPLETED: Final = "service_completed_successfully"
SHARED: Final[Mapping[str, str]] = {"network_mode": "network_of", "pid": "pid_of", "ipc": "ipc_of"}
"""The namespaces of a service, and the field that names the container one is shared with."""


def common_fields(
    name: str, service: Service, resource: Resource[DeploymentSpec], loaded: Loaded, look: Look
) -> dict[str, Any]:
    """Return the fields that a service's containers do not have by default, but for number and ports.

    Raises `ConduitError`.
    """
    application, deployment = loaded.application, resource.key.name
    limits, reservations = service.deploy.resources.limits, service.deploy.resources.reservations
    hidden = look.once(tokens_of).hidden
    fields = {
        **{field: getattr(service, field) for field in Process.model_fields},
        **dict(_namespaces(service, deployment)),
        "image": Ref(image_key(deployment, name), "id"),
        "environment": {variable: hidden(text) for variable, text in service.environment.items()},
        "container_name": service.container_name,
        "networks": dict(_joined(name, service, application)),
        "mounts": tuple(_mount(mount, application) for mount in service.volumes),
        "files": tuple(files_of(service, loaded, look)),
        "cpus": limits.cpus,
        "memory": limits.memory,
        "memory_reservation": reservations.memory,
        "pids": limits.pids,
        "state": _state(name, resource.spec, application),
        "depends_on": dict(_conditions(service, application, deployment)),
        "follows": tuple(_followed(service, application, deployment)),
        "project": application.name,
        "service": name,
        "dangerous": resource.spec.dangerous,
    }
    return said(ContainerSpec, fields)


def said(sort: type[Spec], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something else than their absence; a plan shows no others of what is new."""
    known = sort.model_fields
    return {name: value for name, value in fields.items() if value != known[name].default}


def _namespaces(service: Service, deployment: str) -> Iterator[tuple[str, Any]]:
    """Yield the namespaces a service does not have for itself alone."""
    for field, value in service.namespaces().items():
        sort, _, other = value.partition(":")
        if sort == "service":
            yield SHARED[field], Ref(container_key(deployment, other, 1), "id")
        elif sort == "container":
            yield SHARED[field], Ref(Key("container", other), "id")
        else:
            yield field, value


def _joined(name: str, service: Service, application: Application) -> Iterator[tuple[str, Attachment]]:
    """Yield the networks a service joins by their names in Docker; there it answers to its own name as well."""
    for alias, joined in service.networks.items():
        names = tuple(dict.fromkeys((name, *joined.aliases)))
        yield application.networks[alias].name, joined.model_copy(update={"aliases": names})


def _mount(mount: Mount, application: Application) -> Mount:
    if mount.type != "volume" or mount.source is None:
        return mount
    return mount.model_copy(update={"source": application.volumes[mount.source].name})


def _state(name: str, spec: DeploymentSpec, application: Application) -> str:
    """Return what is wanted of a service's containers; one that others wait for to complete runs once."""
    if spec.state == "stopped":
        return "stopped"
    waiting = (each.depends_on.get(name) for each in application.services.values())
    return "finished" if any(found and found.condition == COMPLETED for found in waiting) else "running"


def _conditions(service: Service, application: Application, deployment: str) -> Iterator[tuple[str, str]]:
    for other, dependency in service.depends_on.items():
        for number in range(1, application.services[other].deploy.replicas + 1):
            yield container_key(deployment, other, number).name, dependency.condition


def _followed(service: Service, application: Application, deployment: str) -> Iterator[Followed]:
    """Yield the containers after which a service's own are made anew; one whose namespace is shared is among them."""
    for other, dependency in service.depends_on.items():
        for number in range(1, application.services[other].deploy.replicas + 1) if dependency.restart else ():
            yield Followed(container=Ref(container_key(deployment, other, number), "id"))
