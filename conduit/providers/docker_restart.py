"""Restarting containers, and after them those that asked to be restarted whenever they are."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from graphlib import TopologicalSorter

from conduit.errors import ConduitError
from conduit.providers.docker_api import CALL_SECONDS, Api
from conduit.providers.docker_application import Member
from conduit.providers.docker_container_needs import PATIENCE, PAUSE
from conduit.providers.docker_container_ready import readiness
from conduit.providers.docker_container_steps import GRACE
from conduit.providers.docker_shapes import CONTAINER_DETAIL


def with_followers(chosen: Iterable[Member], members: Sequence[Member]) -> list[Member]:
    """Return the chosen containers and those that follow them, each after all that it follows. Pure."""
    found = list(chosen)
    for member in found:  # grows while it is walked
        found += [each for each in members if member.key.name in each.follows and each not in found]
    after = {member: [other for other in found if other.key.name in member.follows] for member in found}
    return list(TopologicalSorter(after).static_order())


def restart(api: Api, members: Sequence[Member]) -> Iterator[tuple[Member, str]]:
    """Restart containers in this order and yield each with why it failed; empty when it did not.

    One that others follow has to be up again before they are restarted; they are not when it fails.
    """
    failed: set[str] = set()
    for member in members:
        lost = sorted(failed & member.follows)
        words = f"it follows {lost[0]}, which failed" if lost else _restart(api, member)
        if not words and any(member.key.name in other.follows for other in members):
            words = _comes_up(api, member)
        failed |= {member.key.name} if words else set()
        yield member, words


def _restart(api: Api, member: Member) -> str:
    """Stop a container, with the time it has for that, and start it again; return why that failed."""
    try:
        found = api.find("containers", member.id, "json", shape=CONTAINER_DETAIL)
        asked = found["Config"].get("StopTimeout") if found else None
        grace = GRACE if asked is None else asked
        what = f"restarting {member.name}"
        api.post(what, "containers", member.id, "restart", seconds=CALL_SECONDS + grace, t=str(grace))
    except ConduitError as error:
        return error.diagnostics[0].summary
    return ""


def _comes_up(api: Api, member: Member) -> str:
    """Wait for a container to be healthy, or to run when it has no health check; return why it is not."""
    started = time.monotonic()
    while True:
        try:
            found = api.find("containers", member.id, "json", shape=CONTAINER_DETAIL)
        except ConduitError as error:
            return error.diagnostics[0].summary
        if found is None:
            return f"{member.name} is gone"
        ready = readiness(found, "running", (), lambda port: True, float("inf"))
        if ready.ready:
            return ""
        if not ready.wait or time.monotonic() - started > (ready.patience or PATIENCE):
            return f"{member.name}: {ready.detail}"
        time.sleep(PAUSE)
