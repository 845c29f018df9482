"""The floor: the job with no tool around it, by a script that knows this one job.

    raw_floor.py check|write SITE

Parses the manifest with libyaml, renders, reads both daemons once and side by side, compares bytes, and writes what
differs: a whole artifact, or with a few changed routes just these. `check` exits with 1 when anything differs. The
cyclic collector is left on, as in a script nobody tuned; the process ends without tidying its memory.
"""

import json
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import yaml

FEW = 10


def route(name: str, domain: str, upstream: str) -> dict[str, Any]:
    """Return the Caddy route of a service."""
    handler = {"handler": "reverse_proxy", "upstreams": [{"dial": upstream}]}
    return {"@id": name, "match": [{"host": [f"{name}.{domain}"]}], "handle": [handler], "terminal": True}


def configuration(site: dict[str, Any], routes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return Caddy's whole configuration."""
    server = {"listen": [site["listen"]], "automatic_https": {"disable": True}, "routes": routes}
    return {**site["base"], "apps": {"http": {"servers": {"site": server}}}}


def write_caddy(client: httpx.Client, live: bytes, want: bytes, routes: list[dict[str, Any]]) -> None:
    """Replace the few routes that differ, else load everything."""
    server = json.loads(live).get("apps", {}).get("http", {}).get("servers", {}).get("site", {})
    have = {each["@id"]: each for each in server.get("routes", [])}
    changed = [each for each in routes if have.get(each["@id"]) != each]
    if have.keys() == {each["@id"] for each in routes} and len(changed) <= FEW:
        for each in changed:
            client.patch(f"/id/{each['@id']}", json=each).raise_for_status()
    else:
        client.post("/load", content=want, headers={"Content-Type": "application/json"}).raise_for_status()


def write_hosts(path: Path, want: bytes, pid_file: str) -> None:
    """Rename the new hosts file into place and let dnsmasq read it."""
    temporary = path.with_suffix(".new")
    temporary.write_bytes(want)
    temporary.replace(path)
    os.kill(int(Path(pid_file).read_text()), signal.SIGHUP)


def main() -> int:
    """Do the job and return the exit code."""
    mode, site = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    domain, hosts = site["domain"], Path(site["hosts_file"])
    services = yaml.load(Path(site["manifest"]).read_bytes(), Loader=yaml.CSafeLoader)["services"]
    routes = [route(name, domain, fields["upstream"]) for name, fields in services.items()]
    want = {
        "caddy": json.dumps(configuration(site, routes), sort_keys=True, separators=(",", ":")).encode(),
        "hosts": "".join(f"{fields['address']} {name}.{domain}\n" for name, fields in services.items()).encode(),
    }
    with (
        httpx.Client(transport=httpx.HTTPTransport(uds=site["admin"]), base_url="http://caddy", timeout=300) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        reads = {"caddy": lambda: client.get("/config/").content.rstrip(), "hosts": hosts.read_bytes}
        live = {name: pool.submit(read) for name, read in reads.items()}
        differing = [name for name in want if live[name].result() != want[name]]
        if mode == "check":
            return bool(differing)
        writes = {
            "caddy": lambda: write_caddy(client, live["caddy"].result(), want["caddy"], routes),
            "hosts": lambda: write_hosts(hosts, want["hosts"], site["dnsmasq_pid"]),
        }
        for written in [pool.submit(writes[name]) for name in differing]:
            written.result()
    return 0


if __name__ == "__main__":
    os._exit(main())
