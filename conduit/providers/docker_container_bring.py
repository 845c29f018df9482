"""Bring a container that is there from one form into another, in place; forth by an update, and back when it failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from conduit.model import Native
from conduit.providers.docker_config import Config
from conduit.providers.docker_container_body import endpoints
from conduit.providers.docker_container_steps import Steps
from conduit.providers.docker_container_words import CHANGEABLE


class Form(Struct, frozen=True):
    """How a container is or should be: its resource's name, its native form, its address in conduit's network."""

    name: str
    native: Native
    address: str | None


def bring(steps: Steps, config: Config, container: str, have: Form, want: Form) -> None:
    """Change limits, networks and state of a container by its id. Raises `Refused`."""
    limits = dict(_limits(have.native["HostConfig"], want.native["HostConfig"]))
    if limits:
        steps.limit(container, limits)
    before, after = (endpoints(form.name, form.native, config, form.address) for form in (have, want))
    for network in [name for name in before if before[name] != after.get(name)]:
        steps.disconnect(container, network)
    for network in [name for name in after if before.get(name) != after[name]]:
        steps.connect(container, network, after[network])
    _run(steps, container, have.native, want.native)


def _limits(have: Native, want: Native) -> Iterator[tuple[str, Any]]:
    """Yield what to tell Docker of the limits that differ. A new limit of memory needs the one with swap beside it."""
    for name in CHANGEABLE:
        if have.get(name) != want.get(name):
            yield name, want.get(name, {"Name": "no"} if name == "RestartPolicy" else 0)
    if "Memory" in want and any(have.get(name) != want.get(name) for name in ("Memory", "MemorySwap")):
        yield "Memory", want["Memory"]
        yield "MemorySwap", want.get("MemorySwap", 2 * want["Memory"])


def _run(steps: Steps, container: str, have: Native, want: Native) -> None:
    before, after = have["State"], want["State"]
    if before == "paused" and after != "paused":
        steps.unpause(container)
    if (after == "stopped" and before != "stopped") or before == "restarting":
        steps.stop(container, want)
    if after in ("running", "finished", "paused") and before not in ("running", "paused"):
        steps.start(container)
    if after == "paused" and before != "paused":
        steps.pause(container)
