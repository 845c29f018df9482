"""Does the live site hold? Asked of the daemons as an outside program would, for every tool alike."""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import dns.message
import dns.query
import httpx
from job import PREFIX, Wish, changing, host, services_of
from world import World

from conduit.sandbox.machine import wait_for

SAMPLE: Final = 50
"""How many names are asked for; what a daemon tells about all of them is compared for all."""
SECONDS: Final = 15
"""How long nginx and dnsmasq may take to load what they were told to: some tools only tell them."""

_VHOST: Final = re.compile(r"server_name ([^;]+);|proxy_pass http://([^;/]+)")


def problems(world: World, declared: Wish) -> list[str]:
    """Return what the daemons do not have as declared."""
    found: list[str] = []

    def hold() -> bool:
        found[:] = [wrong for part in world.site.parts for wrong in _CHECKS[part](world, declared)]
        return not found

    with suppress(TimeoutError):
        wait_for(hold, "the site holds", deadline=SECONDS)
    return found


def _caddy(world: World, declared: Wish) -> Iterator[str]:
    with httpx.Client(transport=httpx.HTTPTransport(uds=world.admin), timeout=30) as client:
        config = client.get("http://caddy/config/").json()
    live: dict[str, list[str]] = {}
    for server in config.get("apps", {"http": {"servers": {}}})["http"]["servers"].values():
        for route in server["routes"]:
            for name in route["match"][0]["host"] if "match" in route else ():
                live.setdefault(name, []).extend(_dials(route))
    yield from _compared("caddy", live, declared)
    yield from _answer(world, "caddy", declared)


def _dials(value: Any) -> Iterator[str]:
    """Yield where a route sends requests; one that shares its handler with others names it in a variable."""
    if isinstance(value, dict):
        if "dial" in value:
            yield value["dial"]
        elif value.get("handler") == "vars":
            yield value["upstream"]
        for item in value.values():
            yield from _dials(item)
    elif isinstance(value, list):
        for item in value:
            yield from _dials(item)


def _nginx(world: World, declared: Wish) -> Iterator[str]:
    """Compare nginx's own dump of its files, and what its workers answer: a host they do not know yet is a 404."""
    dump = subprocess.run([*world.daemons["nginx"].argv, "-T", "-q"], capture_output=True, text=True, check=True).stdout
    live: dict[str, list[str]] = {}
    name = ""
    for names, upstream in _VHOST.findall(dump):
        if names:
            name = names
        else:
            live.setdefault(name, []).append(upstream)
    yield from _compared("nginx", live, declared)
    yield from _unserved(world, declared)
    yield from _answer(world, "nginx", declared)


def _unserved(world: World, declared: Wish) -> Iterator[str]:
    with httpx.Client(verify=False, trust_env=False, base_url=f"http://{world.listener('nginx')}") as client:
        for name in _sample(services_of(declared, "nginx")):
            if client.get("/", headers={"Host": host(name)}).status_code == 404:
                yield f"nginx: does not serve {host(name)}"


def _compared(proxy: str, live: Mapping[str, list[str]], declared: Wish) -> Iterator[str]:
    want = {host(name): [fields["upstream"]] for name, fields in services_of(declared, proxy).items()}
    if live != want:
        wrong = [name for name in live.keys() | want.keys() if live.get(name) != want.get(name)]
        yield f"{proxy}: {len(wrong)} sites are wrong, one of them {min(wrong)}"


def _dnsmasq(world: World, declared: Wish) -> Iterator[str]:
    address, port = world.dns.split(":")
    named = {name: fields for name, fields in declared["services"].items() if "address" in fields}
    for name in _sample(named):
        question = dns.message.make_query(host(name), "A")
        found = {str(item) for each in dns.query.udp(question, address, 5, int(port)).answer for item in each}
        if found != {named[name]["address"]}:
            yield f"dnsmasq: {host(name)} answers {sorted(found)}"


def _sample(services: Mapping[str, Any]) -> list[str]:
    """Return evenly spread names, with the one that changes and the last."""
    names = list(services)
    changes = [name for proxy in PREFIX if (name := changing(proxy)) in services]
    return [*names[:: max(1, len(names) // SAMPLE)], names[-1], *changes]


def _answer(world: World, proxy: str, declared: Wish) -> Iterator[str]:
    """Ask for the service that changes: the upstream behind it says which one it is."""
    name = changing(proxy)
    fields, asked = declared["services"][name], host(name)
    secure = fields["tls"] != "off"
    scheme = "https" if secure else "http"
    trust: ssl.SSLContext | bool = False
    if secure:
        trust = ssl.create_default_context(cafile=str(world.sandbox.certificates / "ca" / "root.crt"))
    with httpx.Client(verify=trust, trust_env=False) as client:
        answer = client.get(
            f"{scheme}://{world.listener(proxy, scheme)}/", headers={"Host": asked}, extensions={"sni_hostname": asked}
        )
    want = next(each for each, address in world.upstreams.items() if address == fields["upstream"])
    if answer.status_code != 200 or answer.json()["name"] != want:
        yield f"{proxy}: {asked} is answered {answer.status_code}, not by {want}"


def _docker(world: World, declared: Wish) -> Iterator[str]:
    """Compare what runs with what is declared, whatever the tool calls its containers."""
    found = world.docker.containers(all=True, filters={"label": "bench.app"})
    apps = [each["compose"]["services"]["app"] for each in declared["deployments"].values()]
    live = sorted((_running(world.docker.inspect_container(each["Id"])) for each in found), key=str)
    want = sorted((_wanted(app, world.docker.inspect_image(app["image"])["Id"]) for app in apps), key=str)
    if live != want:
        wrong = [each["labels"]["bench.app"] for each in (*live, *want) if each not in live or each not in want]
        yield f"docker: {len(live)} containers instead of {len(want)}, wrong is {min(wrong, default='one too many')}"


def _running(found: Any) -> dict[str, Any]:
    config = found["Config"]
    environment = dict(each.split("=", 1) for each in config["Env"])
    return {
        "image": found["Image"],
        "labels": {name: value for name, value in config["Labels"].items() if name.startswith("bench.")},
        "environment": {name: value for name, value in environment.items() if name != "PATH"},
        "running": found["State"]["Running"],
        "networks": sorted(found["NetworkSettings"]["Networks"]),
    }


def _wanted(app: Mapping[str, Any], image: str) -> dict[str, Any]:
    return {name: app[name] for name in ("labels", "environment", "networks")} | {"image": image, "running": True}


_CHECKS: Final = {"caddy": _caddy, "nginx": _nginx, "dnsmasq": _dnsmasq, "docker": _docker}
