"""Servers: this machine and the declared ones, what they use, and their containers."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any, TypedDict

from litestar.params import Parameter

from conduit.api.auth import Caller, Who
from conduit.api.desk import Desk, Here
from conduit.api.errors import ApiError
from conduit.api.monitor import LOCAL, Machine, containers_text, document, look, text
from conduit.api.routing import route
from conduit.providers.docker_addresses import slots

Id = Annotated[str, Parameter(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$", description="local, or a declared server")]


class Servers(TypedDict):
    """All machines, as text and as data."""

    ok: bool
    output: str
    servers: list[dict[str, Any]]


class Containers(TypedDict):
    """Running containers, as text and as data."""

    ok: bool
    output: str
    containers: list[dict[str, Any]]


class Gpus(TypedDict):
    """The graphics cards of one machine."""

    id: str
    gpus: list[dict[str, Any]]


@route("GET", "/api/servers", "servers:read", summary="Every machine that is watched")
async def servers(desk: Here, caller: Who) -> Servers:
    """Look at this machine and every declared server, side by side; one that cannot be reached is down.

    Of containers, here and below, each caller gets those of deployments within reach.
    """
    found = [_seen(desk, caller, each) for each in await look(desk, declared(desk))]
    return {"ok": True, "output": "\n".join(map(text, found)), "servers": [document(each) for each in found]}


@route("GET", "/api/servers/containers", "servers:read", summary="The containers of this machine")
async def containers(desk: Here, caller: Who) -> Containers:
    """Return the running containers of this machine."""
    return _containers(await _one(desk, caller, "local"))


@route("GET", "/api/servers/{id:str}", "servers:read", summary="One machine")
async def server(desk: Here, caller: Who, id: Id) -> dict[str, Any]:  # noqa: A002 - the name in the path
    """Look at one machine."""
    return document(await _one(desk, caller, id))


@route("GET", "/api/servers/{id:str}/gpu", "servers:read", summary="The graphics cards of a machine")
async def gpu(desk: Here, caller: Who, id: Id) -> Gpus:  # noqa: A002 - the name in the path
    """Look at the graphics cards of one machine."""
    machine = await _one(desk, caller, id)
    return {"id": machine.id, "gpus": [asdict(each) for each in machine.usage.gpus] if machine.usage else []}


@route("GET", "/api/servers/{id:str}/containers", "servers:read", summary="The containers of a machine")
async def server_containers(desk: Here, caller: Who, id: Id) -> Containers:  # noqa: A002 - the name in the path
    """Look at the running containers of one machine."""
    return _containers(await _one(desk, caller, id))


def declared(desk: Desk) -> dict[str, Any]:
    """Return the specs of the declared servers by name."""
    roots = desk.desired.roots
    return {key.name: root.spec for key, root in sorted(roots.items()) if key.kind == "server"}


async def _one(desk: Desk, caller: Caller, name: str) -> Machine:
    found = await look(desk, declared(desk), only=name)
    if not found:
        raise ApiError(404, f"there is no server '{name}'")
    return _seen(desk, caller, found[0])


def _seen(desk: Desk, caller: Caller, machine: Machine) -> Machine:
    """Return a machine with the containers a caller reaches: on this one those of deployments that were granted."""
    if caller.deployments is None or machine.usage is None:
        return machine
    leaves, sight = desk.desired.leaves, desk.sight(caller)
    reached = [(key, leaf.spec) for key, leaf in leaves.items() if key.kind == "container" and sight.sees(key)]
    names = {name for key, spec in reached for name in (spec.container_name, *slots(key.name).values())}
    seen = tuple(each for each in machine.usage.containers if machine.id == LOCAL and each.name in names)
    return replace(machine, usage=replace(machine.usage, containers=seen))


def _containers(machine: Machine) -> Containers:
    found = machine.usage.containers if machine.usage else ()
    return {"ok": machine.usage is not None, "output": containers_text(found), "containers": [asdict(c) for c in found]}


ROUTES = (servers, containers, server, gpu, server_containers)
