"""DNS: what dnsmasq answers, asking it, and emptying its cache."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypedDict

from litestar.params import Body, QueryParameter
from pydantic import BaseModel, ConfigDict, Field

from conduit.api.auth import Who
from conduit.api.births import MADE
from conduit.api.desk import Desk, Here
from conduit.api.envelopes import operated, refused, table
from conduit.api.errors import ApiError
from conduit.api.routing import Result, route
from conduit.change import Outcome
from conduit.errors import ConduitError
from conduit.grammar import domain_name
from conduit.model import FRAME, Key, Live
from conduit.providers import system_hosts
from conduit.providers.dnsmasq_daemon import SILENT
from conduit.reconcile.asks import Operate
from conduit.resources.service import names_of

DNSMASQ: Final = Key(FRAME, "dnsmasq")
MOST_OF_SYSTEM: Final = 32
"""Names of /etc/hosts that are asked for."""
ADDRESSES: Final = ("A", "AAAA")


class Entry(TypedDict):
    """One name dnsmasq knows. `source`: conduit, somebody by hand (static), or /etc/hosts (system)."""

    domain: str
    ip: str
    source: str
    created_at: str | None


class Entries(TypedDict):
    """All names, as a table and as data."""

    ok: bool
    output: str
    entries: list[Entry]


class Resolved(TypedDict):
    """What dnsmasq answers for a name."""

    ok: bool
    domain: str
    ip: str | None
    output: str


class Question(BaseModel):
    """The name to ask for."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    domain: str = Field(min_length=1, max_length=253)


Asked = Annotated[Question, Body(description="a service's name, or a whole host name")]
Domain = Annotated[
    str, QueryParameter(name="domain", min_length=1, max_length=253, description="a name, or a whole one")
]


@route("GET", "/api/dns", "dns:read", sync_to_thread=True, summary="What dnsmasq knows")
def entries(desk: Here) -> Entries:
    """Return the names in dnsmasq's own files as they are now, and those of /etc/hosts that it answers.

    `created_at` is when conduit made one, null for all others and without records of that run.
    """
    made = MADE.of(desk)
    found = [entry for live in desk.reader.live("dns_record") if (entry := _entry(live, made))]
    found += _system(desk, {entry["domain"] for entry in found})
    rows = [(entry["domain"], entry["ip"]) for entry in found]
    return {"ok": True, "output": table(("HOSTNAME", "IP"), *rows), "entries": found}


@route("POST", "/api/dns/resolve", "dns:read", summary="Ask dnsmasq for a name")
async def resolve(desk: Here, data: Asked) -> Resolved:
    """Ask the site's dnsmasq itself."""
    return await asyncio.to_thread(_resolved, desk, data.domain)


@route("GET", "/api/dns/resolve", "dns:read", summary="Ask dnsmasq for a name")
async def resolve_query(desk: Here, domain: Domain) -> Resolved:
    """Ask the site's dnsmasq itself."""
    return await asyncio.to_thread(_resolved, desk, domain)


@route("POST", "/api/dns/flush", "dns:write", act="dns_flush", summary="Empty dnsmasq's cache")
async def flush(desk: Here, caller: Who) -> Result:
    """Empty the cache of this site's dnsmasq alone, and see by its own counter that it is empty."""
    try:
        outcome: Outcome = await desk.ask(Operate(DNSMASQ, "flush"))
        result = operated(outcome)
    except ConduitError as error:
        result = refused(str(error), error.exit_code)
    desk.record(caller, "dns_flush", (result["stdout"] or result["stderr"]).strip(), ok=result["ok"])
    return result


def _entry(live: Live, made: Mapping[Key, str]) -> Entry | None:
    native: dict[str, Any] = live.native
    if native.get("type") not in ADDRESSES:
        return None
    source, born = ("conduit", made.get(live.key)) if live.owned else ("static", None)
    return {"domain": native["name"], "ip": native["value"], "source": source, "created_at": born}


def _system(desk: Desk, known: set[str]) -> list[Entry]:
    """Return the first names of /etc/hosts, as far as dnsmasq answers them."""
    prober: Any = desk.reader.proving_context().prober
    others = [(name, ip) for name, ip in system_hosts.entries() if name not in known][:MOST_OF_SYSTEM]
    return [
        Entry(domain=name, ip=ip, source="system", created_at=None)
        for name, ip in others
        if ip in prober.dns(name, "AAAA" if ":" in ip else "A")
    ]


def _resolved(desk: Desk, asked: str) -> Resolved:
    """Ask for a service by its name, for everything else as it stands."""
    service = desk.desired.roots.get(Key("service", asked.lower()))
    try:
        name = names_of(asked, service.spec, desk.settings)[0] if service else domain_name(asked)
    except ValueError as error:
        raise ApiError(422, f"domain: {error}", field="domain") from None
    prober: Any = desk.reader.proving_context().prober
    try:
        found = [address for kind in ADDRESSES for address in prober.dns(name, kind)]
    except OSError as error:
        hint = "start it, or correct dnsmasq.address in conduit.yaml"
        raise ApiError(503, "dnsmasq does not answer", code=SILENT, hint=hint) from error
    lines = [f"{name} has address {address}\n" for address in found] or [f"Host {name} not found\n"]
    return {"ok": bool(found), "domain": name, "ip": found[0] if found else None, "output": "".join(lines)}


ROUTES = (entries, resolve, resolve_query, flush)
