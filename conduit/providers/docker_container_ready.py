"""Whether a container does what it should by now, judged by an inspection. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from conduit.change import READY, Readiness
from conduit.providers.docker_api import told
from conduit.providers.docker_container_lives import seconds_of
from conduit.providers.docker_container_words import BILLION

SETTLED: Final = 0.5
"""Seconds a container has to run to count as up when nothing else tells."""
LONGEST_JOB: Final = 3600.0
"""Seconds a container that runs to its end may take."""
CHECK: Final = {"Interval": 30.0, "Timeout": 30.0, "StartPeriod": 0.0}
"""Docker's own times of a health check, in seconds (Dockerfile reference, HEALTHCHECK)."""
CHECKS: Final = 3
"""Failures in a row that make a container unhealthy by Docker's own count."""


def readiness(
    found: Mapping[str, Any], wanted: str, ports: tuple[int, ...], accepts: Callable[[int], bool], now: float
) -> Readiness:
    """Return whether a container is `wanted` (running, stopped, finished).

    Up is what its health check says; without one, that every port a proxy asks for accepts connections; without
    those, that it has been running for a moment. `accepts` tries a port, `now` is in seconds since the epoch.
    """
    state = found["State"]
    status, health = state["Status"], (state.get("Health") or {}).get("Status", "none")
    if wanted == "stopped":
        return Readiness(not state["Running"], "it still runs")
    if wanted == "finished":
        return _finished(state)
    if status == "restarting":
        return Readiness(False, f"it ends and is restarted, with exit code {state['ExitCode']}")
    if status != "running":
        return Readiness(False, _ended(state), wait=status == "created")
    if health == "unhealthy" and state["Health"].get("FailingStreak", CHECKS):
        return Readiness(False, f"its health check fails: {_last_check(state)}", wait=False)
    if health in ("starting", "unhealthy"):  # Docker calls one that was paused unhealthy until its next check
        return Readiness(False, "its health check has not passed yet", patience=_patience(found))
    if health == "none" and ports:
        closed = [port for port in ports if not accepts(port)]
        return Readiness(False, f"nothing listens on its port {closed[0]} yet") if closed else READY
    up = now - seconds_of(state["StartedAt"])
    if health == "healthy" or up >= SETTLED:
        return READY
    return Readiness(False, "it has just started", soonest=min(SETTLED, SETTLED - up))


def _finished(state: Mapping[str, Any]) -> Readiness:
    if state["Status"] != "exited":
        return Readiness(False, "it has not come to its end yet", patience=LONGEST_JOB)
    return Readiness(False, _ended(state), wait=False) if state["ExitCode"] else READY


def _ended(state: Mapping[str, Any]) -> str:
    killed = ", out of memory" if state.get("OOMKilled") else ""
    return f"it ended with exit code {state['ExitCode']}{killed}"


def _last_check(state: Mapping[str, Any]) -> str:
    checks = (state.get("Health") or {}).get("Log") or [{}]
    return told(str(checks[-1].get("Output", "")), 200) or f"exit code {checks[-1].get('ExitCode', 'unknown')}"


def _patience(found: Mapping[str, Any]) -> float:
    """Return the seconds after which Docker itself calls a container unhealthy."""
    check = found["Config"].get("Healthcheck") or {}
    times = {name: check.get(name, 0) / BILLION or usual for name, usual in CHECK.items()}
    checks = check.get("Retries") or CHECKS
    return times["StartPeriod"] + (checks + 1) * (times["Interval"] + times["Timeout"])
