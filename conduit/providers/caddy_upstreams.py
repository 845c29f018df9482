"""The upstreams of a route in Caddy's own words: the handler `reverse_proxy`, both ways. Pure.

Routes that need nothing else but an upstream share one such handler, a named route of their server: to load one for
each of them is most of what Caddy does with a large configuration. Caddy knows named routes since 2.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from conduit.providers.caddy_paths import listing

STREAM_CLOSE_DELAY = "5m"
"""How long websockets outlive a reload, so that they do not all reconnect at once."""

_TIMEOUTS = {"connect": "dial_timeout", "read": "response_header_timeout", "write": "write_timeout"}


_SHARED = "proxy"
"""The named route of the shared handler."""

_CHOSEN = "upstream"
"""The variable of a request that tells the shared handler where it goes."""

_INVOKED: Final = {"handler": "invoke", "name": _SHARED}

NAMED_ROUTES: Final = {
    _SHARED: {
        "handle": [
            {
                "handler": "reverse_proxy",
                "stream_close_delay": STREAM_CLOSE_DELAY,
                "upstreams": [{"dial": f"{{http.vars.{_CHOSEN}}}"}],
            }
        ]
    }
}
"""What a server needs whose routes share a handler."""


def proxy(spec: Any, *, shared: bool, delay: bool) -> list[dict[str, Any]]:
    """Return the handlers of a route spec; `shared` where routes may share one.

    With `delay` websockets outlive a reload, which Caddy 2.7 and later know; the shared handler lets them anyway.
    """
    if shared and _plain(spec):
        return [{"handler": "vars", _CHOSEN: spec.upstreams[0].dial}, dict(_INVOKED)]
    return [_own(spec, delay=delay)]


def shares(route: Mapping[str, Any]) -> bool:
    """Return whether a route needs the shared handler."""
    return _INVOKED in listing(route, "handle")


def _plain(spec: Any) -> bool:
    """Return whether a spec says nothing but where its requests go."""
    special = spec.timeouts or spec.upstream_tls or spec.health
    return not special and spec.websockets and [upstream.weight for upstream in spec.upstreams] == [1]


def _own(spec: Any, *, delay: bool) -> dict[str, Any]:
    """Return the handler that serves one route alone."""
    handler: dict[str, Any] = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": upstream.dial} for upstream in spec.upstreams],
    }
    weights = [upstream.weight for upstream in spec.upstreams]
    if weights != [1]:
        handler["load_balancing"] = _balancing(weights)
    if spec.timeouts or spec.upstream_tls:
        handler["transport"] = {"protocol": "http", **_waits(spec.timeouts), **_tls(spec.upstream_tls)}
    if spec.health:
        handler["health_checks"] = {"active": _health(spec.health)}
    if not spec.websockets:
        handler["headers"] = {"request": {"delete": ["Connection", "Upgrade"]}}
    elif delay:
        handler["stream_close_delay"] = STREAM_CLOSE_DELAY
    return handler


def _waits(timeouts: Any) -> dict[str, Any]:
    waits = {caddy: getattr(timeouts, name, None) for name, caddy in _TIMEOUTS.items()}
    return {name: wait for name, wait in waits.items() if wait}


def _tls(tls: Any) -> dict[str, Any]:
    """Trust what this machine trusts; without a name Caddy takes the address."""
    if tls is None:
        return {}
    name = {"server_name": tls.name} if tls.name else {}
    return {"tls": name if tls.verify else {**name, "insecure_skip_verify": True}}


def _balancing(weights: list[int]) -> dict[str, Any]:
    """Try each upstream once; by weight (Caddy 2.7 and later) when there are weights."""
    if set(weights) == {1}:
        policy: dict[str, Any] = {"policy": "round_robin"}
    else:
        policy = {"policy": "weighted_round_robin", "weights": weights}
    return {"retries": len(weights) - 1, "selection_policy": policy}


def _health(health: Any) -> dict[str, Any]:
    status = int(health.status[0]) if isinstance(health.status, str) else health.status
    return {"uri": health.path, "interval": health.interval, "timeout": health.timeout, "expect_status": status}


def read_chosen(handler: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a route that shares a handler; errors as in `caddy_route.fields`."""
    return {"upstreams": [{"address": handler[_CHOSEN], "weight": 1}], "websockets": True}


def read_proxy(handler: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a route that a handler seems to say; errors as in `caddy_route.fields`."""
    dials = [upstream["dial"] for upstream in handler["upstreams"]]
    weights = handler.get("load_balancing", {}).get("selection_policy", {}).get("weights", [1] * len(dials))
    found: dict[str, Any] = {
        "upstreams": [{"address": dial, "weight": weight} for dial, weight in zip(dials, weights, strict=True)],
        "websockets": "headers" not in handler,
    }
    if "transport" in handler:
        transport = handler["transport"]
        found["timeouts"] = {name: transport[caddy] for name, caddy in _TIMEOUTS.items() if caddy in transport}
        if "tls" in transport:
            tls = transport["tls"]
            found["upstream_tls"] = {
                "name": tls.get("server_name"),
                "verify": not tls.get("insecure_skip_verify", False),
            }
    if "health_checks" in handler:
        active = handler["health_checks"]["active"]
        status = active["expect_status"]
        found["health"] = {
            "path": active["uri"],
            "interval": active["interval"],
            "timeout": active["timeout"],
            "status": f"{status}xx" if status < 10 else status,
        }
    return found
