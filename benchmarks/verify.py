"""Does the live site hold? Asked of the daemons as an outside program would, for every tool alike."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

import dns.message
import dns.query
import httpx
from job import CHANGED, Services, host
from world import World

from conduit.sandbox.machine import wait_for

SAMPLE = 50
"""How many names are asked for; routes are compared all."""


def problems(world: World, declared: Services) -> list[str]:
    """Return what the daemons do not have as declared; dnsmasq reads its hosts file in its own time."""
    found = [*_routes(world, declared), *_request(world, declared)]
    try:
        wait_for(lambda: not list(_names(world, declared)), "dnsmasq answers", deadline=5)
    except TimeoutError:
        found += _names(world, declared)
    return found


def _routes(world: World, declared: Services) -> Iterator[str]:
    with httpx.Client(transport=httpx.HTTPTransport(uds=world.admin), timeout=30) as client:
        config = client.get("http://caddy/config/").json()
    live: dict[str, list[str]] = {}
    for server in config.get("apps", {"http": {"servers": {}}})["http"]["servers"].values():
        for route in server["routes"]:
            for name in route["match"][0]["host"]:
                live.setdefault(name, []).extend(_dials(route))
    want = {host(name): [fields["upstream"]] for name, fields in declared.items()}
    if live != want:
        wrong = [name for name in live.keys() | want.keys() if live.get(name) != want.get(name)]
        yield f"caddy: {len(wrong)} routes are wrong, one of them {min(wrong)}"


def _dials(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "dial" in value:
            yield value["dial"]
        for item in value.values():
            yield from _dials(item)
    elif isinstance(value, list):
        for item in value:
            yield from _dials(item)


def _names(world: World, declared: Services) -> Iterator[str]:
    address, port = world.dns.split(":")
    for name in [*list(declared)[:: max(1, len(declared) // SAMPLE)], list(declared)[-1], CHANGED]:
        question = dns.message.make_query(host(name), "A")
        found = {str(item) for each in dns.query.udp(question, address, 5, int(port)).answer for item in each}
        if found != {declared[name]["address"]}:
            yield f"dnsmasq: {host(name)} answers {sorted(found)}"


def _request(world: World, declared: Services) -> Iterator[str]:
    """Ask for the service that changes: the upstream behind it says which one it is."""
    wish, name = declared[CHANGED], host(CHANGED)
    secure = wish["tls"] != "off"
    scheme = "https" if secure else "http"
    trust: ssl.SSLContext | bool = False
    if secure:
        trust = ssl.create_default_context(cafile=str(world.sandbox.certificates / "ca" / "root.crt"))
    with httpx.Client(verify=trust, trust_env=False) as client:
        answer = client.get(
            f"{scheme}://{world.listeners[scheme]}/", headers={"Host": name}, extensions={"sni_hostname": name}
        )
    want = next(each for each, address in world.upstreams.items() if address == wish["upstream"])
    if answer.status_code != 200 or answer.json()["name"] != want:
        yield f"caddy: {name} is answered {answer.status_code}, not by {want}"
