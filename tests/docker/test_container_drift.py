"""What is done to a container behind conduit's back is told with its field, and put right in place where it can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conduit.change import Action, Origin, Result
from tests.docker.container_world import SLEEP, Containers

DAMAGE: dict[str, tuple[str, ...]] = {
    "stopped state": ("stop", "NAME"),
    "killed state": ("kill", "NAME"),
    "paused state": ("pause", "NAME"),
    "renamed name": ("rename", "NAME", "mine"),
    "larger memory": ("update", "--memory", "96m", "--memory-swap", "192m", "NAME"),
    "fewer pids": ("update", "--pids-limit", "7", "NAME"),
    "keen restart": ("update", "--restart", "always", "NAME"),
    "alone networks.front": ("network", "disconnect", "front", "NAME"),
    "social networks.extra": ("network", "connect", "extra", "NAME"),
}
"""What a person does to a container of that name, and the field in which it differs then."""


def test_what_is_done_by_hand_is_drift_and_put_right_in_place(containers: Containers) -> None:
    containers.hand("network", "create", "front")
    containers.hand("network", "create", "extra")
    fields = dict(damage.split() for damage in DAMAGE)
    containers.declare(**dict.fromkeys(fields, f"{SLEEP}, memory: 64m, networks: {{front: {{aliases: [www]}}}}"))
    containers.apply()
    before = {name: containers.inspect(name) for name in fields}
    for name, words in zip(fields, DAMAGE.values(), strict=True):
        containers.hand(*(word.replace("NAME", name) for word in words))
    changes = {change.key.name: change for change in containers.world.changes()}
    assert {name: [each.path for each in changes[name].diff.fields] for name in fields} == {
        name: [field] for name, field in fields.items()
    }
    assert {(change.action, change.origin) for change in changes.values()} == {(Action.UPDATE, Origin.DRIFT)}
    containers.apply()
    for name in fields:
        after = containers.inspect(name)
        assert (after["Id"], after["State"]["Status"]) == (before[name]["Id"], "running")
        assert set(after["NetworkSettings"]["Networks"]) == {"front"}
        assert after["HostConfig"]["Memory"] == 64 << 20
    assert containers.settled()


CHECKED = f"{SLEEP}, healthcheck: {{test: [CMD, test, '!', -e, /tmp/sick], interval: 1s, retries: 1}}"


@pytest.fixture
def checked(containers: Containers, wait_for: Callable[..., Any]) -> Containers:
    """A container with a health check, paused by hand until Docker calls it unhealthy for that."""
    containers.declare(web=CHECKED)
    containers.apply()
    containers.hand("pause", "web")
    wait_for(lambda: containers.inspect("web")["State"]["Health"]["Status"] == "unhealthy", "it is unhealthy")
    return containers


def test_a_paused_container_is_judged_by_a_check_of_after_its_pause(checked: Containers) -> None:
    """Docker calls a paused container unhealthy, and goes on to until its next check: it was given up at once."""
    checked.apply()
    state = checked.inspect("web")["State"]
    assert (state["Status"], state["Health"]["Status"]) == ("running", "healthy")
    assert checked.settled()


def test_drift_that_cannot_be_put_right_stays_as_it_was_found_and_stays_drift(checked: Containers) -> None:
    """It was told as reverted while the container ran on, or as a change of the manifests."""
    checked.hand("unpause", "web")
    checked.hand("exec", "web", "touch", "/tmp/sick")
    checked.hand("pause", "web")
    assert [outcome.result for outcome in checked.apply(code=4).outcomes] == [Result.REVERTED]
    assert checked.inspect("web")["State"]["Status"] == "paused"
    change = checked.change()
    assert ([field.path for field in change.diff.fields], change.origin) == (["state"], Origin.DRIFT)


def test_memory_changed_alone_by_hand_is_put_right_in_place(containers: Containers) -> None:
    """Docker keeps the limit with swap then, which is no longer twice that of memory."""
    containers.declare(web=f"{SLEEP}, memory: 64m")
    containers.apply()
    before = containers.inspect("web")
    containers.hand("update", "--memory", "40m", "web")
    change = containers.change()
    assert (change.action, change.origin) == (Action.UPDATE, Origin.DRIFT)
    assert {each.path for each in change.diff.fields} == {"memory", "memswap_limit"}
    containers.apply()
    after = containers.inspect("web")
    assert (after["Id"], after["State"]["Pid"]) == (before["Id"], before["State"]["Pid"])
    assert (after["HostConfig"]["Memory"], after["HostConfig"]["MemorySwap"]) == (64 << 20, 128 << 20)
    assert containers.settled()


def test_what_no_spec_says_is_drift_too(web: Containers) -> None:
    web.hand("update", "--cpu-shares", "512", "web")
    change = web.change()
    assert (change.action, change.origin) == (Action.REPLACE, Origin.DRIFT)
    assert "CpuShares" in change.diff.raw
    web.apply()
    assert web.inspect("web-b")["HostConfig"]["CpuShares"] == 0


def test_a_container_that_restarts_again_and_again_is_drift(
    containers: Containers, wait_for: Callable[..., Any]
) -> None:
    containers.declare(
        web="command: [sh, -c, 'test ! -e /tmp/broken && sleep 600'], restart: always, stop_signal: SIGKILL"
    )
    containers.apply()
    containers.hand("exec", "web", "touch", "/tmp/broken")
    containers.docker("kill", "web")
    wait_for(lambda: containers.inspect("web")["State"]["Status"] != "running", "the container is down")
    assert [each.path for each in containers.change().diff.fields] == ["state"]


def test_what_is_ignored_passes_on_to_the_successor(containers: Containers) -> None:
    ignore = "ignore: [{path: environment.MODE, reason: tried by hand}, {path: memory, reason: tried by hand}]"
    containers.declare(web=f"{SLEEP}, memory: 64m, environment: {{MODE: hand-made}}")
    containers.apply()
    containers.hand("update", "--memory", "96m", "--memory-swap", "192m", "web")
    declared = f"{SLEEP}, memory: 64m, environment: {{MODE: declared}}, {ignore}"
    containers.declare(web=declared)
    assert containers.settled()
    containers.declare(web=f"{declared}, labels: {{a: b}}")
    assert [each.path for each in containers.change().diff.fields] == ["labels.a"]
    containers.apply()
    made = containers.inspect("web-b")
    assert ("MODE=hand-made" in made["Config"]["Env"], made["HostConfig"]["Memory"]) == (True, 96 << 20)
    assert containers.settled()
