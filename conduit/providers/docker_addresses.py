"""Which address a container gets in conduit's own network, and which of its two names. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from ipaddress import IPv4Address

from conduit.errors import Code, ConduitError, Diagnostic
from conduit.providers.docker_config import Config

NO_ADDRESS = Code(
    "CND-1510",
    "no address left in conduit's network",
    "Every address that conduit may assign in its own network belongs to some container, running or not. Remove "
    "containers nobody needs, or give docker.subnet in conduit.yaml a larger range; that replaces the network.",
)


def pick(config: Config, name: str, slot: str, taken: Collection[str]) -> str:
    """Return the address of a container in a slot: always the same one, or the next that is free.

    `taken` are the addresses of all containers, running or not: Docker lets two declare the same, and refuses to start
    the second. Raises `ConduitError` when none is free.
    """
    first, last = config.assignable
    size = last - first + 1
    start = int.from_bytes(hashlib.sha256(f"{name}\0{slot}".encode()).digest()[:8]) % size
    for step in range(size):
        address = str(IPv4Address(first + (start + step) % size))
        if address not in taken:
            return address
    hint = "give docker.subnet in conduit.yaml a larger range"
    raise ConduitError(Diagnostic(NO_ADDRESS, f"no address is left in {config.subnet} for {name}", hint=hint))


def slots(name: str) -> dict[str, str]:
    """Return the two names the container of a resource may have in Docker, by slot."""
    return {"a": name, "b": f"{name}-b"}


def slot_of(name: str, real: str) -> str | None:
    """Return the slot of a container by its real name; None when somebody renamed it."""
    return next((slot for slot, held in slots(name).items() if held == real), None)
