"""Environments in which conduit fails, is killed or waits at one of its failpoints."""

from __future__ import annotations

from pathlib import Path

from conduit.failpoints import NAMES


def at(point: str, action: str = "kill") -> dict[str, str]:
    """Return the environment that makes conduit do `action` at a failpoint."""
    assert point in NAMES
    return {"CONDUIT_TEST": "1", "CONDUIT_FAILPOINT": f"{point}:{action}"}


def paused_at(point: str, gate: Path) -> dict[str, str]:
    """Return the environment that makes conduit wait at a failpoint until the file `gate` is there.

    That it waits is told by another file, `reached(gate)`.
    """
    return at(point, "pause") | {"CONDUIT_FAILPOINT_GATE": str(gate)}


def reached(gate: Path) -> Path:
    """Return the file that says that conduit waits for `gate`."""
    return gate.with_name(f"{gate.name}.reached")
