"""Row S5: scheduled tasks do what is on a fixed list, in the rights their users have when it is done, and once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from api_world import make_served
from people_world import declare, rows, store_of
from scope_world import NEW, as_, version

from conduit.sandbox import image
from conduit.sandbox.daemon import Daemon
from tests.failing import at

ASLEEP = {"image": image.NAME, "command": ["sleep", "100000"], "stop_signal": "SIGKILL"}
OVERDUE = 1.0
"""An instant so long ago that the newest one since is due at once."""


class World:
    """A served site of two deployments that run, and somebody who was granted one of them."""

    def __init__(self, site: Any, dockerd: Daemon) -> None:
        self.site, self._socket = site, dockerd.section["socket"]

    def docker(self, *words: str) -> str:
        """Ask Docker's own command line."""
        done = self.site.program("docker", "-H", f"unix://{self._socket}", *words)
        assert done.code == 0, done
        return str(done.stdout.strip())

    def started(self, name: str) -> str:
        """When a container was started last, as Docker tells."""
        container = self.docker("ps", "--quiet", "--filter", f"name={name}")
        return self.docker("inspect", "--format", "{{.State.StartedAt}}", container)

    def state(self, name: str) -> dict[str, Any]:
        """A live task, as the API tells of it."""
        found = self.site.api("GET", "/api/tasks").json()["tasks"]
        return next(each for each in found if each["name"] == name)

    def let_come(self, name: str) -> None:
        """Let the time of a task come."""
        with closing(sqlite3.connect(store_of(self.site).path, timeout=10)) as connection, connection:
            connection.execute("UPDATE tasks SET since = ?, result = '' WHERE name = ?", [OVERDUE, name])

    def ended(self, wait_for: Callable[..., Any], name: str) -> str:
        """Let the time of a task come, and wait until it has ended."""
        self.let_come(name)
        wait_for(lambda: self.state(name)["result"] not in ("", "begun"), f"{name} has ended", deadline=60)
        return str(self.state(name)["result"])

    def change(self, key: str, **fields: Any) -> None:
        answer = self.site.api("PATCH", f"/api/resources/{key}", fields, headers={"If-Match": version(self.site, key)})
        assert answer.status_code == 200, answer.text

    @property
    def beat(self) -> float:
        """When the scheduler gave its last sign of life."""
        ((found,),) = rows(self.site, "SELECT at FROM beats")
        return float(found)

    def hold(self) -> None:
        """Suspend the loop."""
        answer = self.site.api("POST", "/api/loop/suspend", {"reason": "moving"})
        assert answer.status_code in (200, 201), answer.text

    def release(self) -> None:
        """Let the loop go on."""
        assert self.site.api("POST", "/api/loop/resume").status_code in (200, 201)

    def audited(self, task: str) -> list[dict[str, Any]]:
        """The entries of the audit trail about what a task did or could not do, newest first."""
        found = self.site.api("GET", "/api/audit/events?per_page=100").json()["events"]
        return [each for each in found if each.get("metadata", {}).get("scheduled") == task]


@pytest.fixture(scope="module")
def world(shared_dockerd: Daemon) -> Iterator[World]:
    with make_served(sections={"docker": shared_dockerd.section}) as site:
        for name in ("wiki", "shop"):
            answer = site.api(
                "PUT", f"/api/resources/deployment/{name}", {"compose": {"services": {"web": ASLEEP}}}, headers=NEW
            )
            assert answer.status_code == 201, answer.text
        declare(site, "root", "admin")
        declare(site, "ada", "operator")
        grant = {"user": "ada", "deployment": "wiki", "level": "write"}
        assert site.api("PUT", "/api/resources/grant/ada", grant, headers=NEW).status_code == 201
        yield World(site, shared_dockerd)


def task(subject: str = "container/wiki-web-1", action: str = "restart", run_as: str = "ada") -> dict[str, Any]:
    return {"schedule": "0 0 1 1 *", "action": action, "subject": subject, "run_as": run_as}


def made(world: World, name: str, user: str = "ada", **fields: Any) -> int:
    """Declare a task as somebody, and return the status of the answer."""
    answer = as_(world.site, user, "PUT", f"/api/resources/task/{name}", task(**fields), **NEW)
    return int(answer.status_code)


def test_a_container_that_does_not_run_is_not_restarted(world: World) -> None:
    world.hold()
    before = world.started("shop-web-1")
    world.docker("pause", world.docker("ps", "--quiet", "--filter", "name=shop-web-1"))
    done = world.site.conduit("operate", "restart", "container/shop-web-1")
    world.docker("unpause", world.docker("ps", "--quiet", "--filter", "name=shop-web-1"))
    assert (done.code, "it is paused, not running" in done.stdout) == (4, True), done
    assert world.started("shop-web-1") == before
    done = world.site.conduit("operate", "restart", "container/shop-web-1")
    world.release()
    assert (done.code, world.started("shop-web-1") != before) == (0, True), done


@pytest.mark.parametrize("action", ["rm -rf /", "restart; id", "exec"])
def test_s5_an_action_that_is_a_command_is_refused(world: World, action: str) -> None:
    answer = as_(world.site, "root", "PUT", "/api/resources/task/bad", task(action=action), **NEW)
    assert (answer.status_code, "CND-2441" in answer.text) == (422, True), answer.text
    assert not (world.site.desired / "tasks" / "bad.yaml").exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "container/shop-web-1"},
        {"run_as": "root"},
        {"run_as": "{{ someone }}"},
        {"subject": "frame/{{ daemon }}", "action": "flush"},
        {"subject": "user/root", "action": "revoke"},
    ],
)
def test_s5_nobody_writes_a_task_for_what_is_not_theirs(world: World, fields: dict[str, str]) -> None:
    assert made(world, "bad", **fields) == 403
    assert world.site.acted()["action"] == "denied"
    assert not (world.site.desired / "tasks" / "bad.yaml").exists()


def test_s5_nobody_takes_over_the_task_of_somebody_else(world: World) -> None:
    assert made(world, "others", "root", run_as="root") == 201
    seen = version(world.site, "task/others")
    for body in ({"run_as": "ada"}, {"enabled": False}):
        answer = as_(world.site, "ada", "PATCH", "/api/resources/task/others", body, **{"If-Match": seen})
        assert answer.status_code == 403, answer.text
    assert version(world.site, "task/others") == seen


def test_s5_a_task_has_the_rights_its_user_has_when_it_is_done(world: World, wait_for: Callable[..., Any]) -> None:
    assert made(world, "again") == 201
    before = world.started("wiki-web-1")
    assert world.ended(wait_for, "again") == "ok"
    first = world.started("wiki-web-1")
    assert first != before
    assert (world.audited("task/again")[0]["actor_name"], world.audited("task/again")[0]["success"]) == ("ada", True)

    for taken, given in (("user/ada", "active"), ("user/ada", "role"), ("grant/ada", "level")):
        old = {"active": True, "role": "operator", "level": "write"}[given]
        world.change(taken, **{given: {"active": False, "role": "viewer", "level": "read"}[given]})
        assert world.ended(wait_for, "again") == "denied", given
        assert world.started("wiki-web-1") == first
        entry = world.audited("task/again")[0]
        assert (entry["metadata"]["event"], entry["actor_name"], entry["success"]) == ("denied", "ada", False)
        world.change(taken, **{given: old})
    assert "CND-2203" in world.site.log
    assert world.ended(wait_for, "again") == "ok"
    assert world.started("wiki-web-1") != first


def test_a_suspended_loop_does_no_task(world: World, wait_for: Callable[..., Any]) -> None:
    assert made(world, "held") == 201
    world.hold()
    before = world.started("wiki-web-1")
    world.let_come("held")
    beat = world.beat
    wait_for(lambda: world.beat > beat, "the scheduler has looked again while it is held", deadline=60)
    assert (world.state("held")["result"], world.started("wiki-web-1")) == ("", before)
    world.release()
    wait_for(lambda: world.state("held")["result"] == "ok", "what was missed is done once", deadline=60)
    assert world.started("wiki-web-1") != before


@pytest.mark.parametrize("point", ["task.taken", "task.done"])
def test_s5_nothing_is_done_twice_after_a_kill(world: World, point: str, wait_for: Callable[..., Any]) -> None:
    name = point.replace("task.", "a-")
    assert made(world, name) == 201
    assert made(world, f"z-{name}", "root", subject="frame/dnsmasq", action="flush", run_as="root") == 201
    before = world.started("wiki-web-1")
    assert world.site.stop() == 143
    world.site.serve(**at(point))
    world.let_come(name)
    wait_for(lambda: world.site.ended, "the server was killed", deadline=60)
    killed = world.started("wiki-web-1")
    assert (killed != before) == (point == "task.done")
    world.site.serve()
    assert world.ended(wait_for, f"z-{name}") == "ok"
    assert world.state(name)["result"] == "begun"
    assert world.started("wiki-web-1") == killed
