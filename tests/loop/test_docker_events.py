"""What happens to a container is known from Docker's own events, long before the interval is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conduit.sandbox.daemon import Daemon
from tests.conftest import Ran, Site
from tests.loop.conftest import NAP, Watch


@pytest.fixture
def proxies() -> tuple[str, ...]:
    return ()


@pytest.fixture
def site(docker_site: Site) -> Site:
    """The site that is watched has Docker."""
    return docker_site


def test_a_stopped_container_and_a_restarted_docker_are_noticed_at_once(
    site: Site,
    watching: Callable[..., Watch],
    wait_for: Callable[..., Any],
    docker: Callable[..., Ran],
    dockerd: Daemon,
) -> None:
    site.write("nap.yaml", NAP)
    loop = watching({"interval": 3600})

    def running() -> list[str]:
        return docker("ps", "--format", "{{.Names}}").stdout.split()

    (name,) = wait_for(running, "the container runs")
    assert docker("stop", "--time", "1", name).code == 0
    wait_for(lambda: len(loop.lines("applied")) == 2 and running(), "it is started again")
    told = [line for line in loop.lines("drift") if line["resource"].startswith("container/")]
    assert told
    assert "nap.yaml" in told[0]["source"]
    dockerd.stop()
    wait_for(lambda: loop.heard("STATUS=1 resource, unknown: docker"), "Docker is gone")
    dockerd.start()
    wait_for(running, "back, it is as declared again", deadline=60)
