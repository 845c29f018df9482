"""The job every tool does: a site of N services, each a Caddy route and a dnsmasq record; then one service changes."""

from __future__ import annotations

from collections.abc import Mapping

DOMAIN = "bench.test"
CHANGED = "svc5"
"""The one service whose upstream and address change; its upstreams really run, so that it can be asked for."""

Services = Mapping[str, Mapping[str, str]]
"""Service name -> `upstream` (host:port), `address` (IPv4) and `tls`."""


def services(count: int, upstream: str, *, changed: bool = False, tls: str = "off") -> Services:
    """Return `count` services, at least five. `upstream` is the real one of `CHANGED`; the others' are never asked."""
    found = {f"svc{n}": {"upstream": f"127.0.0.1:{9000 + n}", "address": _address(n)} for n in range(1, count + 1)}
    found[CHANGED] |= {"upstream": upstream} | ({"address": "10.200.0.5"} if changed else {})
    return {name: {**fields, "tls": tls} for name, fields in found.items()}


def _address(number: int) -> str:
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def manifest(declared: Services) -> str:
    """Return the manifest all tools read."""
    lines = ["services:"] if declared else ["services: {}"]
    for name, fields in declared.items():
        lines += [f"  {name}:", *(f"    {field}: {value}" for field, value in fields.items())]
    return "\n".join(lines) + "\n"


def host(name: str) -> str:
    """Return the host name of a service."""
    return f"{name}.{DOMAIN}"
