"""Whether a new container can stand beside the one it replaces. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conduit.model import Live, Native
from conduit.providers.docker_container_mounts import writable


def held_twice(native: Native, live: Live) -> str:
    """Return in words what the old container has and the new one needs alone; empty when both can run at once."""
    return next(_conflicts(native, live), "")


def _conflicts(native: Native, live: Live) -> Iterator[str]:
    old = live.native
    if native.get("Name") and native["Name"] == old.get("Name"):
        yield f"the name {native['Name']} cannot be held twice"
    for port in sorted(_ports(native) & _ports(old)):
        yield f"port {port} cannot be held twice"
    if "host" in (native["HostConfig"].get("NetworkMode"), old["HostConfig"].get("NetworkMode")):
        yield "both would listen on the host itself"
    if native.get("NetworkOf", 1) == old.get("NetworkOf", 2):
        yield f"both would listen in the network of {native['NetworkOf']['Name']}"
    for address in sorted(_addresses(native) & _addresses(old)):
        yield f"address {address} cannot be held twice"
    for source in sorted(writable(native.get("Mounts", {}).values()) & writable(old.get("Mounts", {}).values())):
        yield f"two containers would write to {source}"
    for target in sorted(live.status.get("unnamed", ())):
        yield f"the volume at {target} passes from one to the other"
    for device in sorted(_devices(native) & _devices(old)):
        yield f"device {device} cannot be used twice"


def _ports(native: Native) -> set[str]:
    """Return the published ports that are not left to Docker to choose."""
    bindings = native["HostConfig"].get("PortBindings", {})
    found = {(inside.partition("/")[2], one["HostPort"]) for inside, outside in bindings.items() for one in outside}
    return {port if protocol == "tcp" else f"{port}/{protocol}" for protocol, port in found if port.isdecimal()}


def _addresses(native: Native) -> set[str]:
    endpoints: list[dict[str, Any]] = list(native["Networks"].values())
    return {form[name] for form in endpoints for name in ("IPv4Address", "IPv6Address") if name in form}


def _devices(native: Native) -> set[str]:
    return {device["PathOnHost"] for device in native["HostConfig"].get("Devices", ())}
