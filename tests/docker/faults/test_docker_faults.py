"""Docker that is away, hangs, cuts its answers short or says nonsense: unknown, never empty, and never for long."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import fault_proxy
import pytest
from fault_proxy import FaultProxy, drip, endless, half, hang, instead, nothing

from conduit.change import Result
from conduit.sandbox.daemon import Daemon
from tests.conftest import Ran
from tests.engine.conftest import World

Docker = Callable[..., Ran]
FRONT = "networks:\n  front: {}\n"
LISTS = [r"GET /containers/json", r"GET /images/json", r"GET /networks$", r"GET /volumes"]


@pytest.fixture
def world(world: World) -> World:
    """A site with a network, applied."""
    world.site.write("front.yaml", FRONT)
    assert world.apply().exit_code == 0
    return world


def unknown(world: World) -> str:
    """Why Docker is unknown; nothing may be planned then, least of all the removal of what is not seen."""
    (world.site.desired / "front.yaml").unlink(missing_ok=True)
    world.site.write("back.yaml", "networks:\n  back: {}\n")
    plan = world.plan()
    assert plan.empty
    assert list(plan.unknown) == ["docker"]
    assert world.site.conduit("apply", "--yes", "--allow-deletes", "9").code == 6
    return plan.unknown["docker"]


@pytest.mark.parametrize("call", LISTS)
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (nothing, "closed without an answer"),
        (half, "ended"),
        (instead("not JSON at all"), "not JSON"),
        (instead("[" * 100_000), "not JSON"),
        (instead('{"message": "boom\\u001b[31m\\nboom"}', "500 Internal Server Error"), "500: boom [31m boom"),
        (instead('{"message": "page not found"}', "404 Not Found"), "does not know"),
        (instead('[{"Id": 1}]'), "not what Docker would say"),
        (instead("null"), "not what Docker would say"),
    ],
    ids=["nothing", "half", "text", "deep", "500", "404", "shape", "null"],
)
def test_what_is_no_whole_answer_is_no_answer(
    world: World, docker: Docker, proxy: FaultProxy, call: str, spoil: fault_proxy.Spoil, words: str
) -> None:
    if call == LISTS[2] or spoil is nothing:
        proxy.spoil = {call: spoil}
        assert words in unknown(world)
        assert docker("network", "inspect", "front").code == 0
        return
    proxy.spoil = {call: spoil}
    plan = world.plan()
    assert (list(plan.unknown), plan.empty) == (["docker"], True)
    assert words in plan.unknown["docker"]


@pytest.mark.parametrize("spoil", [hang, drip, endless])
def test_one_that_never_ends_is_given_up(world: World, docker: Docker, proxy: FaultProxy, spoil: Any) -> None:
    """Or the time that any test has would be up."""
    proxy.spoil = {LISTS[0]: spoil}
    plan = world.plan()
    assert list(plan.unknown) == ["docker"]
    assert plan.empty


def test_a_stopped_daemon_is_unknown_and_heals(world: World, dockerd: Daemon, docker: Docker) -> None:
    dockerd.pause()
    try:
        assert list(world.plan().unknown) == ["docker"]
    finally:
        dockerd.resume()
    assert world.plan().empty
    assert not world.plan().unknown


def test_nobody_listening_is_unknown(world: World, proxy: FaultProxy) -> None:
    proxy.path.unlink()
    assert "cannot be read" in unknown(world)


FAILURE = instead("", "500 Internal Server Error")


@pytest.mark.parametrize("spoil", [nothing, half, instead("not JSON at all", "201 Created"), FAILURE])
def test_a_change_without_an_answer_is_looked_up(world: World, docker: Docker, proxy: FaultProxy, spoil: Any) -> None:
    proxy.spoil = {r"POST \S*/networks/create": spoil, r"POST \S*/volumes/create": spoil}
    world.site.write("back.yaml", "networks:\n  back: {}\nvolumes:\n  data: {}\n")
    report = world.apply()
    told = {str(outcome.key): outcome.result for outcome in report.outcomes}
    assert docker("network", "inspect", "back").code == 0, [each.reason for each in report.outcomes]
    if spoil is not FAILURE:
        assert told == {"network/back": Result.OK, "volume/data": Result.OK}
    proxy.spoil = {}
    assert world.apply().exit_code == 0
    assert world.plan().empty


def test_a_removal_without_an_answer_is_looked_up(world: World, docker: Docker, proxy: FaultProxy) -> None:
    proxy.spoil = {r"DELETE \S*/networks/": nothing}
    (world.site.desired / "front.yaml").unlink()
    assert world.apply(allow_deletes=1).exit_code == 0
    assert docker("network", "inspect", "front").code != 0


def test_changes_are_asked_for_in_the_version_that_the_daemon_speaks(
    world: World, docker: Docker, proxy: FaultProxy
) -> None:
    """Later daemons refuse the versions of 20.10, and older ones know none but theirs."""
    speaks = docker("version", "--format", "{{.Server.APIVersion}}").stdout.strip()
    asked = [match[1] for call in proxy.asked if (match := re.match(r"POST /(?:v([0-9.]+)/)?", call))]
    assert set(asked) == {speaks}


def test_names_that_would_move_the_cursor_are_shown_plainly(world: World, docker: Docker, proxy: FaultProxy) -> None:
    network = json.loads(docker("network", "inspect", "front").stdout)[0]
    evil = network | {"Name": "evil\x1b[2J\nnetwork/front: ok", "Labels": {}}
    proxy.spoil = {LISTS[2]: instead(json.dumps([network, evil]))}
    shown = world.site.conduit("diff", "-v")
    assert "evil" in shown.stdout
    assert "\x1b" not in shown.stdout + shown.stderr
    assert not any(line.startswith("network/front: ok") for line in shown.stdout.splitlines())


def test_doctor_tells_what_is_wrong_with_docker(world: World, dockerd: Daemon, proxy: FaultProxy) -> None:
    proxy.path.chmod(0o666)
    assert "chmod o-rw" in world.site.conduit("doctor").stdout
    proxy.spoil = {"GET /version": instead('{"Version": "18.09", "ApiVersion": "1.39"}')}
    assert "1.39" in world.site.conduit("doctor").stdout
    proxy.spoil = {"GET /version": nothing}
    assert "CND-1500" in world.site.conduit("doctor").stdout
