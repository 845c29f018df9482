"""Status: the state of the whole site in one answer."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any, Final, TypedDict

from conduit.api.auth import Who
from conduit.api.certificates import look
from conduit.api.controllers.audit import Entry, view
from conduit.api.controllers.servers import declared
from conduit.api.controllers.tls import wanted
from conduit.api.desk import Desk, Here
from conduit.api.monitor import look as look_at_machines
from conduit.api.routing import route
from conduit.health import State
from conduit.providers.probe_tls import counted

KEPT_SECONDS: Final = 10.0
"""How long counts of certificates and servers are taken from the last look."""


class ServiceCounts(TypedDict):
    """How many services are in which state."""

    up: int
    degraded: int
    down: int
    total: int


class CertificateCounts(TypedDict):
    """How many of the served certificates are worth what."""

    valid: int
    expiring: int
    expired: int


class ServerCounts(TypedDict):
    """How many machines answered the last look."""

    online: int
    total: int


class Status(TypedDict):
    """The state of the site: whether the daemons answer, and counts of everything else."""

    dns: bool
    caddy: bool
    services: ServiceCounts
    certs: CertificateCounts
    servers: ServerCounts
    last_audit: Entry | None


@route("GET", "/api/status", "system:read", summary="The state of the site")
async def status(desk: Here, caller: Who) -> Status:
    """Ask the daemons whether they answer, and count services, certificates and servers.

    `last_audit` is told to whoever may read the audit trail, and null to others.
    """
    dns, caddy, certs, servers = await asyncio.gather(
        asyncio.to_thread(_answers, desk, "dnsmasq"),
        asyncio.to_thread(_answers, desk, "caddy"),
        _kept(desk, "certs", lambda: asyncio.to_thread(_certificates, desk)),
        _kept(desk, "servers", lambda: _servers(desk)),
    )
    return {
        "dns": dns,
        "caddy": caddy,
        "services": _services(desk),
        "certs": certs,
        "servers": servers,
        "last_audit": _last_audit(desk) if caller.by == "anonymous" or caller.may("audit:read") else None,
    }


def _last_audit(desk: Desk) -> Entry | None:
    """Return the newest entry of the audit trail, None while it cannot be read."""
    try:
        return next(map(view, desk.audit.newest(1)), None)
    except OSError:
        return None


def _answers(desk: Desk, provider: str) -> bool:
    """Ask a daemon of the settings; one that they do not name does not answer."""
    found = desk.reader.providers.get(provider)
    return found is not None and found.answers()


def _services(desk: Desk) -> ServiceCounts:
    keys = [key for key in desk.desired.roots if key.kind == "service"]
    counts = Counter(desk.watch.of(key).state for key in keys)
    up, degraded, down = (counts[state] for state in (State.UP, State.DEGRADED, State.DOWN))
    return {"up": up, "degraded": degraded, "down": down, "total": len(keys)}


def _certificates(desk: Desk) -> CertificateCounts:
    found = counted(shown.status for shown in look(desk, wanted(desk)))
    return {"valid": found["valid"], "expiring": found["expiring"], "expired": found["expired"]}


async def _servers(desk: Desk) -> ServerCounts:
    found = await look_at_machines(desk, declared(desk), containers=False)
    return {"online": sum(each.usage is not None for each in found), "total": len(found)}


async def _kept(desk: Desk, name: str, count: Any) -> Any:
    """Return counts from the last look while it is fresh and nothing was applied since."""
    passes, now = desk.passes.snapshot.number, time.monotonic()
    kept = desk.kept.get(name)
    if kept is None or kept[0] != passes or now > kept[1]:
        kept = (passes, now + KEPT_SECONDS, await count())
        desk.kept[name] = kept
    return kept[2]


ROUTES = (status,)
