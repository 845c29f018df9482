"""How sites reach deployments: from the names in a site's spec to containers and their port, and back.

A site says `deployment: wiki`; its proxy connects to every replica of one service of that application, at the
addresses the containers have in conduit's own network. The deployment has to know in turn who reaches it, because only
a container with such a site joins that network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from conduit.compose.service import Service
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.look import Look
from conduit.model import Key, Ref
from conduit.resources.deployment_application import application_of
from conduit.resources.deployment_spec import DeploymentSpec, container_key
from conduit.resources.reach_spec import Reach
from conduit.resources.route_spec import Maintenance
from conduit.resources.upstream_spec import Upstream
from conduit.spec import Resource

UNREACHED = Code(
    "CND-1540",
    "a site that reaches no container",
    "A site names a deployment, and perhaps a service of its application and a port. Without `container` it is the "
    "only service there is, or the only one that exposes or publishes a port; without `container_port` it is the only "
    "such port, counted inside the container. The message tells what is missing or not clear; name it.",
)


class Reached(Struct, frozen=True):
    """What a site reaches: one service of a deployment, at a port of its containers."""

    deployment: Resource[DeploymentSpec]
    service: str
    port: int
    replicas: int

    @property
    def runs(self) -> bool:
        """Whether any container is meant to answer."""
        return self.deployment.spec.state == "running" and self.replicas > 0

    def upstreams(self) -> tuple[Upstream, ...]:
        """Return what a proxy connects to, one for each replica."""
        name = self.deployment.key.name
        keys = (container_key(name, self.service, number + 1) for number in range(self.replicas))
        return tuple(Upstream(container=Ref(key, "address"), port=self.port) for key in keys)


def reached(site: Resource[Any], reach: Reach, look: Look) -> Reached:
    """Return what `reach` leads to, the site's own or that of a service it stands for.

    Raises `ConduitError`, without words when the deployment itself is wrong and tells so.
    """
    deployment = look.declared.get(Key("deployment", reach.deployment or ""))
    if deployment is None:
        known = [key.name for key in look.declared if key.kind == "deployment"]
        hint = did_you_mean(reach.deployment or "", known) or "declare it under deployments:, or correct the name"
        summary = f"{site.key} reaches deployment/{reach.deployment}, which is not declared"
        source = look.written(site.key).source("deployment")
        raise ConduitError(Diagnostic(UNREACHED, summary, source, hint, field="deployment"))
    try:
        loaded = application_of(deployment, look)
    except ConduitError:
        raise ConduitError(()) from None
    try:
        name = _service(reach, loaded.application.services)
        service = loaded.application.services[name]
        port = _port(reach, name, service)
    except _Unclear as error:
        related = ((str(deployment.key), deployment.source),)
        field = _deepest(reach)
        source = look.written(site.key).source(field)
        summary = f"{site.key} reaches {deployment.key}: {error}"
        raise ConduitError(Diagnostic(UNREACHED, summary, source, error.hint, related=related, field=field)) from None
    return Reached(deployment, name, port, service.deploy.replicas)


def held(site: Resource[Any], reach: Reach, look: Look) -> Resource[Any]:
    """Return a site with a deployment as it is, or with a page of maintenance that says that this is stopped."""
    if site.spec.maintenance or reached(site, reach, look).runs:
        return site
    words = Maintenance(message=f"{reach.deployment} is stopped.")
    return replace(site, spec=site.spec.model_copy(update={"maintenance": words}))


def served(look: Look) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
    """Return the ports that sites reach, by deployment and service; to be asked for `once`."""
    ports: dict[str, dict[str, set[int]]] = {}
    for site in look.connected():
        if isinstance(site.spec, Reach) and site.spec.deployment is not None:
            try:
                found = reached(site, site.spec, look)
            except ConduitError:
                continue  # told when the site itself is expanded
            ports.setdefault(found.deployment.key.name, {}).setdefault(found.service, set()).add(found.port)
    return {name: {each: tuple(sorted(of)) for each, of in services.items()} for name, services in ports.items()}


class _Unclear(Exception):
    """It is not clear what a site reaches."""

    def __init__(self, summary: str, hint: str) -> None:
        super().__init__(summary)
        self.hint = hint


def _service(reach: Reach, services: Mapping[str, Service]) -> str:
    if reach.container is not None:
        if reach.container not in services:
            near = did_you_mean(reach.container, services)
            raise _Unclear(f"it has no service {shown(reach.container)}", near or f"it has {', '.join(services)}")
        return reach.container
    found = list(services) if len(services) == 1 else [name for name, each in services.items() if _ports(each)]
    if len(found) != 1:
        which = f"{len(found)} of its services have ports" if found else "none of its services has a port"
        raise _Unclear(which, f"write container: with one of {', '.join(found or services)}")
    return found[0]


def _port(reach: Reach, name: str, service: Service) -> int:
    if service.network_mode is not None:
        raise _Unclear(f"{name} has network_mode {service.network_mode}, so that no proxy finds it", _instead(service))
    if reach.container_port is not None:
        return reach.container_port
    ports = _ports(service)
    if len(ports) != 1:
        which = f"ports {', '.join(map(str, ports))}" if ports else "no port in expose or ports"
        raise _Unclear(f"{name} has {which}", "write container_port: with the one that answers the site")
    return ports[0]


def _instead(service: Service) -> str:
    mode, _, other = (service.network_mode or "").partition(":")
    if mode == "service":
        return f"write container: {other}, whose network it shares, and its container_port"
    return "write upstream: with its address and port" if mode == "host" else "join networks instead"


def _ports(service: Service) -> list[int]:
    """Return the TCP ports a service exposes or publishes, counted inside its containers."""
    exposed = (int(each.partition("/")[0]) for each in service.expose if each.endswith("/tcp"))
    return sorted({*exposed, *(each.target for each in service.ports if each.protocol == "tcp")})


def _deepest(reach: Reach) -> str:
    """Return the field that says most closely what is reached."""
    return next(field for field in ("container_port", "container", "deployment") if getattr(reach, field) is not None)
