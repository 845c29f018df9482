"""Services: the documented API's list, registration, removal and check."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final, NotRequired, TypedDict

from litestar import Response
from litestar.params import Body, Parameter

from conduit.api.auth import Who
from conduit.api.births import births
from conduit.api.cached import Cached
from conduit.api.change import Change, change
from conduit.api.desk import Desk, Here
from conduit.api.envelopes import instant
from conduit.api.errors import ApiError
from conduit.api.registration import NAME, Registration
from conduit.api.routing import Result, route
from conduit.api.versions import Match, seen
from conduit.errors import ConduitError
from conduit.grammar import split_host_port
from conduit.health import Health, State
from conduit.manifests.store import ABSENT
from conduit.model import Key
from conduit.reconcile.asks import Snapshot
from conduit.resources.service import names_of
from conduit.resources.service_spec import ServiceSpec
from conduit.resources.site_leaves import upstreams_of
from conduit.upstreams import REFUSED_UPSTREAM, UNKNOWN_UPSTREAM

HEALTH: Final = {State.UP: "healthy", State.DEGRADED: "degraded", State.DOWN: "down", State.UNKNOWN: "unknown"}


class Service(TypedDict):
    """A service as clients of the documented API know it; times are RFC 3339, the response time is in milliseconds."""

    name: str
    host: str
    port: int
    protocol: str
    health_path: str
    status: str
    health_status: str
    last_health_check: str | None
    registered_at: str | None
    deregistered_at: str | None
    domain: str
    tls_enabled: bool
    response_time: float | None
    last_check: str | None


class Services(TypedDict):
    """All services."""

    services: list[Service]


class Checked(TypedDict):
    """One check, made now."""

    name: str
    status: str
    health_status: str
    response_time: float | None
    last_checked: str | None
    detail: NotRequired[str]


Given = Annotated[Registration, Body(description="the service to register")]
Name = Annotated[str, Parameter(pattern=NAME, description="the name of a service")]


@route("GET", "/api/services", "services:read", sync_to_thread=False, summary="All services")
def services(desk: Here) -> Response[Services]:
    """Return every declared service with the result of its last check."""
    return LISTED.of(desk)


@route(
    "POST",
    "/api/services",
    "services:write",
    act="service_register",
    conditional=True,
    summary="Register a service",
)
async def register(desk: Here, caller: Who, data: Given, match: Match = None) -> Response[Result]:
    """Declare a service and apply it: its name at the proxy, certificate, route and check.

    A name that is taken is 409 without `overwrite`. What fails leaves nothing behind. With `protocol` https the proxy
    speaks TLS to it and verifies its certificate by what this machine trusts, unless `verify_upstream` is false.
    What is replaced has to be in the version of If-Match, where that is sent.
    """
    key, expect = Key("service", data.name), seen(match) if data.overwrite else ABSENT
    wanted = Change(
        partial(desk.writes.put, key, data.fields, caller, expect),
        "service_register",
        f"Registered service: {data.name} ({data.upstream})",
        whole=key,
        details=data.details,
    )
    try:
        return await change(desk, caller, wanted)
    except ConduitError as error:
        if error.diagnostics[0].code in (REFUSED_UPSTREAM, UNKNOWN_UPSTREAM):
            raise ApiError(422, f"host: {error.diagnostics[0].summary}", field="host") from error
        raise


@route(
    "DELETE",
    "/api/services/{name:str}",
    "services:delete",
    act="service_deregister",
    conditional=True,
    summary="Deregister a service",
)
async def deregister(desk: Here, caller: Who, name: Name, match: Match = None) -> Response[Result]:
    """Remove the declaration of a service, in the version of If-Match where that is sent, and what stood for it."""
    key = _declared(desk, name)
    said = f"Deregistered service: {key.name}"
    edit = partial(desk.writes.remove, key, caller, seen(match))
    details = {"name": key.name}
    return await change(desk, caller, Change(edit, "service_deregister", said, named=(key,), details=details))


@route("GET", "/api/services/{name:str}/health", "services:read", sync_to_thread=True, summary="Check a service now")
def health(desk: Here, name: Name) -> Checked:
    """Ask a service as a visitor would, now, and return what came back."""
    key = _declared(desk, name)
    found = desk.watch.now(key)
    return {
        "name": key.name,
        "status": "active",
        "health_status": HEALTH[found.state],
        "response_time": found.milliseconds,
        "last_checked": instant(found.at),
        "detail": found.detail,
    }


def _declared(desk: Desk, name: str) -> Key:
    """Return the key of a declared service, whose name may be written in capitals. Raises `ApiError` 404."""
    key = Key("service", name.lower())
    if key not in desk.desired.roots:
        raise ApiError(404, f"Service '{name}' not found")
    return key


def _listed(desk: Desk, snapshot: Snapshot) -> Services:
    born = births(desk)
    roots = [(key, root.spec) for key, root in sorted(snapshot.desired.roots.items()) if key.kind == "service"]
    return {"services": [_view(desk, key, spec, desk.watch.of(key), born.get(key)) for key, spec in roots]}


LISTED: Final = Cached(_listed)


def _view(desk: Desk, key: Key, spec: ServiceSpec, found: Health, born: str | None) -> Service:
    host, port = _address(spec)
    checked = instant(found.at)
    return {
        "name": key.name,
        "host": host,
        "port": port,
        "protocol": "http" if spec.tls == "off" and not spec.upstream_tls else "https",
        "health_path": spec.health.path if spec.health else "/",
        "status": "active",
        "health_status": HEALTH[found.state],
        "last_health_check": checked,
        "registered_at": born,
        "deregistered_at": None,
        "domain": names_of(key.name, spec, desk.settings)[0],
        "tls_enabled": spec.tls != "off",
        "response_time": found.milliseconds,
        "last_check": checked,
    }


def _address(spec: ServiceSpec) -> tuple[str, int]:
    """Return host and port of the first upstream; of none for a redirect or a page of maintenance."""
    first = next(iter(upstreams_of(spec)), None)
    return split_host_port(first[1]) if first else ("", 0)


ROUTES = (services, register, deregister, health)
