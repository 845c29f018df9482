"""kill -9 and input errors at each step of making and replacing a container: one apply makes it whole."""

from __future__ import annotations

import signal

import pytest

from conduit.failpoints import NAMES
from tests.conftest import Ran
from tests.docker.container_world import SLEEP, Containers
from tests.failing import at

POINTS = [name for name in NAMES if name.startswith("docker.container.")]
BESIDE = ""
AFTER = ", mounts: [{type: volume, source: data, target: /data}], files: [{target: /etc/app.conf, content: a}]"


def apply(containers: Containers, point: str = "", action: str = "kill") -> Ran:
    env = at(point, action) if point else {}
    return containers.site.conduit("apply", "--yes", env=env)


def check_whole(containers: Containers, version: str) -> None:
    """One apply leaves the one container wished for, the next diff is empty."""
    done = apply(containers)
    assert done.code == 0, done.stdout + done.stderr
    (name,) = containers.names()
    made = containers.inspect(name)
    assert (made["Config"]["Labels"]["version"], made["State"]["Running"]) == (version, True)
    assert "No changes." in containers.site.conduit("diff").stdout


def declare(containers: Containers, version: str, fields: str) -> None:
    containers.declare(web=f"{SLEEP}, labels: {{version: {version}}}{fields}")


def replace(containers: Containers, point: str, action: str, fields: str) -> None:
    declare(containers, "one", fields)
    check_whole(containers, "one")
    declare(containers, "two", fields)
    failed = apply(containers, point, action)
    reached = point != "docker.container.old_stopped" or fields == AFTER
    late = point == "docker.container.removed"  # what is superseded is gone then, and nothing else waits for it
    ends = (-signal.SIGKILL,) if action == "kill" else (0,) if late else (1, 4)
    assert failed.code in (ends if reached else (0,)), failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr
    if action != "kill" or fields == BESIDE:
        assert containers.running(), "somebody serves"
    check_whole(containers, "two")


@pytest.mark.parametrize(
    ("point", "fields"), [("docker.container.created", BESIDE), ("docker.container.old_stopped", AFTER)]
)
def test_a_replacement_may_be_killed(containers: Containers, point: str, fields: str) -> None:
    replace(containers, point, "kill", fields)


@pytest.mark.soak
@pytest.mark.parametrize("action", ["kill", "eio"])
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("fields", [BESIDE, AFTER], ids=["beside", "after"])
def test_each_step_of_a_replacement_may_fail(containers: Containers, point: str, action: str, fields: str) -> None:
    replace(containers, point, action, fields)


@pytest.mark.parametrize(
    "point", ["docker.container.created", pytest.param("docker.container.started", marks=pytest.mark.soak)]
)
def test_a_first_container_may_be_killed(containers: Containers, point: str) -> None:
    declare(containers, "one", AFTER)
    assert apply(containers, point).code == -signal.SIGKILL
    check_whole(containers, "one")


def test_a_removal_may_be_killed(containers: Containers) -> None:
    declare(containers, "one", AFTER)
    check_whole(containers, "one")
    containers.declare()
    env = at("docker.container.removed")
    removed = containers.site.conduit("apply", "--yes", "--allow-deletes", "1", env=env)
    assert removed.code == -signal.SIGKILL
    assert apply(containers).code == 0
    assert containers.names() == []
    assert containers.files() == []
