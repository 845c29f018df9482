"""What a whole application must hold: references lead somewhere, nothing waits for itself, no two fields clash."""

from __future__ import annotations

from collections.abc import Container, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from conduit.compose.application import Application
from conduit.compose.nodes import Node, Path, Problems
from conduit.compose.reader import CYCLE
from conduit.compose.service import Service
from conduit.dialect.words import did_you_mean, shown
from conduit.errors import Code

UNDECLARED = Code(
    "CND-1413",
    "a reference to something that is not declared",
    "A service names a network, volume, secret, config or other service that the application does not declare. Declare "
    "it at the top level, or correct the name.",
)
NO_IMAGE = Code(
    "CND-1414",
    "a service without an image",
    "A service needs `image`, `build`, or both: then the built image gets that name.",
)
CLASH = Code(
    "CND-1415",
    "fields that exclude each other",
    "The two fields named cannot hold at once. Remove one of them.",
)
SWITCHED_OFF = Code(
    "CND-1416",
    "a dependency on a service that is switched off",
    "A service that is on needs one whose profile is off. Name the profile, put both services into it, or write "
    "`required: false` below depends_on.",
)
NO_SOURCE = Code(
    "CND-1417",
    "a secret or config without a source",
    "A secret comes from exactly one of `file` and `environment`, a config from exactly one of `file`, `environment` "
    "and `content`. A variable it names must be set. External ones exist in Docker Swarm alone.",
)
NO_EFFECT = Code(
    "CND-1418",
    "a key without effect",
    "`version` told old tools which format a file has; the Compose Specification ignores it. CPU reservations are read "
    "by Docker Swarm alone. Remove the line to say what holds.",
)


class Checker:
    """Checks an application that its models accept; `root` is the tree it was made of."""

    def __init__(self, application: Application, root: Node, problems: Problems) -> None:
        self._application, self._root, self._problems = application, root, problems

    def check(self, environment: Container[str]) -> None:
        """Tell everything that does not hold."""
        if not self._application.services:
            self._tell(NO_IMAGE, "the application has no services", (), "add services:")
        for name, service in self._application.services.items():
            self._service(name, service)
            self._references(name, service)
        self._cycles()
        self._container_names()
        for section in ("networks", "volumes"):
            self._external(section, getattr(self._application, section))
        for section in ("secrets", "configs"):
            self._sources(section, getattr(self._application, section), environment)

    def _tell(self, code: Code, summary: str, path: Path, hint: str = "", related: Path | None = None) -> None:
        others = [("the other", self._root.find(related))] if related else []
        self._problems.add(code, summary, self._root.find(path), hint, related=others)

    def _service(self, name: str, service: Service) -> None:
        path: Path = ("services", name)
        if service.image is None and service.build is None:
            summary = f"service {shown(name)} has neither image nor build"
            self._problems.add(NO_IMAGE, summary, self._root.find(path), "add image:", at_key=True)
        if service.network_mode and service.networks:
            summary = f"service {shown(name)} has network_mode and networks"
            self._tell(CLASH, summary, (*path, "network_mode"), "keep one of them", (*path, "networks"))
        if service.network_mode in ("host", "none") and service.ports:
            summary = f"service {shown(name)} publishes ports and has network_mode {service.network_mode}"
            self._tell(CLASH, summary, (*path, "ports"), "remove the ports", (*path, "network_mode"))
        if service.container_name and service.deploy.replicas > 1:
            summary = f"service {shown(name)} has one container_name for {service.deploy.replicas} replicas"
            self._tell(CLASH, summary, (*path, "container_name"), "remove container_name")
        if service.deploy.resources.reservations.cpus is not None:
            place = self._root.find((*path, "deploy", "resources", "reservations", "cpus"))
            self._problems.warn(
                NO_EFFECT, "Docker reserves no CPUs without Swarm", place, "write a limit, or remove it"
            )
        self._mounts(name, service)

    def _mounts(self, name: str, service: Service) -> None:
        path: Path = ("services", name)
        targets: dict[str, int] = {}
        for index, mount in enumerate(service.volumes):
            if targets.setdefault(mount.target, index) != index or mount.target in service.tmpfs:
                summary = f"service {shown(name)} mounts two things at {shown(mount.target)}"
                self._tell(CLASH, summary, (*path, "volumes", index), "keep one of them")

    def _references(self, name: str, service: Service) -> None:
        path: Path = ("services", name)
        for network in service.networks:
            self._declared("network", network, self._application.networks, (*path, "networks", network))
        for index, mount in enumerate(service.volumes):
            if mount.type == "volume" and mount.source:
                where = (*path, "volumes", index, "source")
                self._declared("volume", mount.source, self._application.volumes, where)
        for field, known in (("secrets", self._application.secrets), ("configs", self._application.configs)):
            for index, file in enumerate(getattr(service, field)):
                self._declared(field[:-1], file.source, known, (*path, field, index, "source"))
        for other, dependency in service.depends_on.items():
            if dependency.required or other in self._application.services:
                self._declared("service", other, self._application.services, (*path, "depends_on", other))

    def _declared(self, what: str, name: str, known: Mapping[str, Any], path: Path) -> None:
        if name in known:
            return
        node = self._root.find(path)
        hint = did_you_mean(name, known) or f"declare it under {what}s:, or correct the name"
        self._problems.add(UNDECLARED, f"there is no {what} {shown(name)}", node, hint, at_key=path[-1] == name)

    def _cycles(self) -> None:
        services = self._application.services
        graph = {
            name: [other for other in service.depends_on if other in services] for name, service in services.items()
        }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            way = list(reversed(error.args[1]))
            summary = f"services wait for each other: {' -> '.join(way)}"
            place = ("services", way[0], "depends_on", way[1])
            self._problems.add(CYCLE, summary, self._root.find(place), "take one dependency out", at_key=True)

    def _container_names(self) -> None:
        first: dict[str, str] = {}
        for name, service in self._application.services.items():
            taken = first.setdefault(service.container_name or "", name)
            if service.container_name and taken != name:
                summary = f"services {shown(taken)} and {shown(name)} have the same container_name"
                places = [("services", each, "container_name") for each in (name, taken)]
                self._tell(CLASH, summary, places[0], "rename one of them", places[1])

    def _external(self, section: str, declared: Mapping[str, Any]) -> None:
        for name, found in declared.items():
            written = found.model_fields_set - {"name", "external"}
            if found.external and written:
                field = min(written)
                summary = f"{section} {shown(name)} is external and has {field}"
                self._tell(
                    CLASH, summary, (section, name, field), "what is external is not made here; remove the field"
                )

    def _sources(self, section: str, declared: Mapping[str, Any], environment: Container[str]) -> None:
        kinds = ("file", "environment") if section == "secrets" else ("file", "environment", "content")
        for name, found in declared.items():
            written = [field for field in ("file", "environment", "content") if getattr(found, field) is not None]
            if len(written) != 1 or written[0] not in kinds:
                summary = f"{section} {shown(name)} needs exactly one of {', '.join(kinds)}"
                self._problems.add(NO_SOURCE, summary, self._root.find((section, name)), "write one", at_key=True)
            elif found.environment is not None and found.environment not in environment:
                summary = f"{section} {shown(name)} needs the variable {found.environment}, which is not set"
                self._tell(NO_SOURCE, summary, (section, name, "environment"), "set it in the environment or in .env")


def switched_on(
    application: Application, profiles: Container[str], root: Node, problems: Problems
) -> dict[str, Service]:
    """Return the services that have no profile, or one of `profiles`; `*` is every profile."""
    on = {
        name: service
        for name, service in application.services.items()
        if not service.profiles or "*" in profiles or any(profile in profiles for profile in service.profiles)
    }
    for name, service in on.items():
        for other, dependency in service.depends_on.items():
            if dependency.required and other in application.services and other not in on:
                summary = f"service {shown(name)} waits for {shown(other)}, whose profile is off"
                place = root.find(("services", name, "depends_on", other))
                problems.add(SWITCHED_OFF, summary, place, "name its profile, or write required: false", at_key=True)
    return {name: _without_absent(service, on) for name, service in on.items()}


def _without_absent(service: Service, on: Container[str]) -> Service:
    kept = {other: dependency for other, dependency in service.depends_on.items() if other in on}
    return service if kept == service.depends_on else service.model_copy(update={"depends_on": kept})
