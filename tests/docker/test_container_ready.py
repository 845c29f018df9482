"""How soon a container counts as up that nothing can be asked of."""

from __future__ import annotations

import pytest

from conduit.providers.docker_container_lives import seconds_of
from conduit.providers.docker_container_ready import SETTLED, readiness

STARTED = "2026-11-30T02:00:00.25Z"
RUNNING = {"State": {"Status": "running", "Running": True, "StartedAt": STARTED}, "Config": {}}


@pytest.mark.parametrize(("up", "left"), [(0.0, 0.5), (0.2, 0.3), (0.499, 0.001), (-60.0, 0.5)])
def test_one_that_has_just_started_tells_how_long_it_takes_to_settle(up: float, left: float) -> None:
    """Docker's clock may be ahead: then it is looked at no later than if it had started now."""
    found = readiness(RUNNING, "running", (), lambda port: True, seconds_of(STARTED) + up)
    assert not found.ready
    assert found.wait
    assert found.soonest == pytest.approx(left, abs=1e-5)


def test_one_that_ran_for_a_moment_is_up() -> None:
    assert readiness(RUNNING, "running", (), lambda port: True, seconds_of(STARTED) + SETTLED).ready
