"""Routing: the routes of the declared services, and applying them again."""

from __future__ import annotations

from typing import Any, Final, NotRequired, TypedDict

from litestar import Response

from conduit.api.auth import Caller, Who
from conduit.api.cached import Cached
from conduit.api.desk import Desk, Here
from conduit.api.envelopes import applied, instant
from conduit.api.routing import route
from conduit.errors import ConduitError
from conduit.model import Key
from conduit.reconcile.asks import Apply, Passed, Snapshot
from conduit.resources.service import names_of
from conduit.resources.service_spec import ServiceSpec
from conduit.resources.site_leaves import upstreams_of

SITES: Final = ("service", "domain")
UNREACHABLE: Final = "Caddy admin API unreachable"


class Health(TypedDict):
    """How a route is doing; the response time is in milliseconds."""

    name: str
    health_status: str
    response_time: float | None
    last_checked: str | None


class Route(Health):
    """A route: its name, where it leads, and how it is doing."""

    domain: str
    upstream: str
    tls: bool


class Routes(TypedDict):
    """All routes."""

    routes: list[Route]


class RoutesHealth(TypedDict):
    """How all routes are doing."""

    routes: list[Health]


class Reloaded(TypedDict):
    """Whether the routes were applied again, and why not."""

    ok: bool
    error: NotRequired[str]


@route("GET", "/api/routing", "routes:read", sync_to_thread=False, summary="All routes")
def routing(desk: Here) -> Response[Routes]:
    """Return the route of every declared service with the result of its last check."""
    return LISTED.of(desk)


@route("GET", "/api/routing/health", "routes:read", sync_to_thread=False, summary="How the routes are doing")
def routing_health(desk: Here) -> Response[RoutesHealth]:
    """Return the result of each route's last check."""
    return CHECKED.of(desk)


@route("POST", "/api/routing/reload", "routes:write", act="caddy_reload", summary="Apply the routes again")
async def reload(desk: Here, caller: Who) -> Reloaded:
    """Plan and apply every site, so that its proxy serves it; nothing that is not ours is touched."""
    problem = await _applied_again(desk, caller)
    desk.record(caller, "caddy_reload", problem or "applied the routes again", ok=not problem)
    return {"ok": False, "error": problem} if problem else {"ok": True}


async def _applied_again(desk: Desk, caller: Caller) -> str:
    sites = frozenset(key for key in desk.desired.roots if key.kind in SITES)
    try:
        passed: Passed = await desk.ask(Apply(own=sites))
    except ConduitError as error:
        return str(error)
    if "caddy" in passed.plan.unknown:
        return UNREACHABLE
    result = applied(desk.sight(caller).passed(passed))
    return "" if result["ok"] else result["stderr"].strip()


def _health(desk: Desk, key: Key) -> Health:
    found = desk.watch.of(key)
    return {
        "name": key.name,
        "health_status": found.state,
        "response_time": found.milliseconds,
        "last_checked": instant(found.at),
    }


def _route(desk: Desk, key: Key, spec: ServiceSpec) -> Route:
    upstream = next((text for _, text, _ in upstreams_of(spec)), "")
    domain = names_of(key.name, spec, desk.settings)[0]
    return {**_health(desk, key), "domain": domain, "upstream": upstream, "tls": spec.tls != "off"}


def _services(snapshot: Snapshot) -> list[tuple[Key, Any]]:
    return [(key, root.spec) for key, root in sorted(snapshot.desired.roots.items()) if key.kind == "service"]


LISTED: Final = Cached(lambda desk, snapshot: {"routes": [_route(desk, *each) for each in _services(snapshot)]})
CHECKED: Final = Cached(lambda desk, snapshot: {"routes": [_health(desk, key) for key, _ in _services(snapshot)]})

ROUTES = (routing, routing_health, reload)
