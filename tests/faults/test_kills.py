"""kill -9 at every named step: nothing is torn, nothing that worked is broken, and one apply makes it whole."""

from __future__ import annotations

import signal

import oracle
import pytest
from faults_world import BEFORE, WISHES, World, spread

from conduit.failpoints import NAMES
from tests.failing import at

ROLLBACK = [name for name in NAMES if name.startswith("rollback.")]
ELSEWHERE = ("nginx.", "docker.", "edit.", "self.", "task.")
FORWARD = [name for name in NAMES if name not in ROLLBACK and not name.startswith(ELSEWHERE)]
"""The steps a site without nginx, Docker, users and tasks passes."""
NO_DAEMON = {"dnsmasq.commit.stopped"}
"""A restart has a moment without dnsmasq; whoever is killed then leaves it so until the next run starts it."""


def kill_on_the_way(world: World, point: str) -> None:
    """Go from one wish to the other, be killed at `point`, and get there with one more apply."""
    start = world.tree or "before"
    goal = "after" if start == "before" else "before"
    then = world.settle(start)
    world.leave(goal)
    killed = world.apply(**at(point))
    assert killed.code == -signal.SIGKILL, oracle.told(killed)
    oracle.check_named_files(world.site)
    between = None
    if point not in NO_DAEMON:
        between = world.look()
        oracle.check_between(between, WISHES[start], WISHES[goal])
    after = world.converge(goal)
    assert between is None or between.config in (then.config, after.config), "Caddy runs neither the old nor the new"


@pytest.mark.parametrize("point", spread(FORWARD, 6))
def test_a_kill_on_the_way_to_another_wish(shared: World, point: str) -> None:
    kill_on_the_way(shared, point)


@pytest.mark.soak
@pytest.mark.parametrize("point", FORWARD)
def test_a_kill_at_each_step_of_an_update(shared: World, point: str) -> None:
    kill_on_the_way(shared, point)


@pytest.mark.parametrize("point", ["dnsmasq.commit.after", "caddy.commit.before", "caddy.commit.after"])
def test_a_name_goes_before_its_site(shared: World, point: str) -> None:
    """A commit that only took sites away once went before the one that took their names away."""
    shared.settle("after")
    shared.leave("fewer")
    killed = shared.apply(**at(point))
    assert killed.code == -signal.SIGKILL, oracle.told(killed)
    oracle.check_between(shared.look(), WISHES["after"], WISHES["fewer"])
    shared.converge("fewer")


def kill_first(world: World, point: str) -> None:
    """Be killed at `point` of the very first apply, and get there with one more."""
    world.wish("before")
    killed = world.apply(**at(point))
    assert killed.code == -signal.SIGKILL, oracle.told(killed)
    world.converge("before")


@pytest.mark.parametrize("point", ["certs.issue.written", "dnsmasq.commit.renamed", "caddy.commit.sent"])
def test_a_kill_of_a_first_apply(world: World, point: str) -> None:
    kill_first(world, point)


@pytest.mark.soak
@pytest.mark.parametrize("point", FORWARD)
def test_a_kill_at_each_step_of_a_first_apply(world: World, point: str) -> None:
    kill_first(world, point)


def kill_while_undoing(world: World, point: str, nth: int = 1) -> None:
    """An update that breaks one site and adds another is killed while it is taken back."""
    then = world.settle("before")
    world.leave("broken")
    killed = world.apply(**{**at(point), "CONDUIT_FAILPOINT": f"{point}:kill:{nth}"})
    assert killed.code == -signal.SIGKILL, oracle.told(killed)
    oracle.check_named_files(world.site)
    now = world.look()
    for host in BEFORE.keys() - {"one.home.arpa"}:
        assert now.answers[host] == then.answers[host]
    world.converge("before")


@pytest.mark.parametrize("point", ROLLBACK)
def test_a_kill_while_a_change_is_taken_back(shared: World, point: str) -> None:
    kill_while_undoing(shared, point)


@pytest.mark.soak
@pytest.mark.parametrize("point", ["caddy.commit.before", "caddy.commit.sent", "caddy.commit.after"])
def test_a_kill_at_each_step_of_taking_back(shared: World, point: str) -> None:
    kill_while_undoing(shared, point, nth=2)


def test_a_lost_reply_is_resolved_by_asking_caddy(shared: World) -> None:
    """The configuration was sent and no answer came: Caddy has it, so the apply goes on."""
    shared.settle("before")
    shared.leave("after")
    done = shared.apply(**at("caddy.commit.sent", "eio"))
    assert done.code == 0, oracle.told(done)
    shared.converge("after")


def test_a_name_whose_removal_failed_keeps_its_site(shared: World) -> None:
    shared.settle("after")
    shared.leave("fewer")
    failed = shared.apply(**at("dnsmasq.commit.renamed", "eio"))
    assert failed.code == 4, oracle.told(failed)
    now = shared.look()
    shared.mend()
    oracle.check_between(now, WISHES["after"], WISHES["fewer"])
    shared.converge("fewer")


@pytest.mark.soak
@pytest.mark.parametrize("point", FORWARD)
def test_an_error_at_each_step_of_an_update(shared: World, point: str) -> None:
    """Every site works, in its old or new form, or is wholly gone: its name never outlives it."""
    start = shared.tree or "before"
    goal = "after" if start == "before" else "before"
    shared.settle(start)
    shared.leave(goal)
    failed = shared.apply(**at(point, "eio"))
    assert failed.code in (0, 1, 4, 6), oracle.told(failed)
    assert "Traceback" not in failed.stderr
    oracle.check_free(shared.site)
    oracle.check_named_files(shared.site)
    oracle.check_between(shared.look(), WISHES[start], WISHES[goal])
    shared.converge(goal)
