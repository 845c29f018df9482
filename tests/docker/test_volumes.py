"""Volumes: made, used as they are, and never removed, as Docker's own CLI sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from conduit.model import Key
from conduit.providers.docker_marks import SITE
from conduit.providers.docker_volume import build, fields_of
from conduit.resources.volume_spec import VolumeSpec
from conduit.settled import settled
from tests.conftest import Ran
from tests.engine.conftest import World

Docker = Callable[..., Ran]


def declare(world: World, what: str) -> None:
    world.site.write("data.yaml", f"volumes:\n  data: {{{what}}}\n")


def inspect(docker: Docker, name: str = "data") -> Any:
    return json.loads(docker("volume", "inspect", name).stdout)[0]


def write(docker: Docker, text: str) -> None:
    put = ("run", "--rm", "--network", "none", "-v", "data:/d", "sandbox/busybox:1", "sh", "-c", f"echo {text} > /d/x")
    assert docker(*put).code == 0


def read(docker: Docker) -> str:
    return docker("run", "--rm", "--network", "none", "-v", "data:/d", "sandbox/busybox:1", "cat", "/d/x").stdout


def test_a_volume_is_made_as_declared(world: World, docker: Docker) -> None:
    declare(world, "labels: {team: web}, driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}")
    assert world.apply().exit_code == 0
    made = inspect(docker)
    assert made["Options"] == {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
    assert made["Labels"]["team"] == "web"
    assert world.plan().empty
    (live,) = world.engine().live("volume")
    assert live.owned


def test_an_undeclared_volume_keeps_its_data(world: World, docker: Docker) -> None:
    declare(world, "")
    assert world.apply().exit_code == 0
    write(docker, "precious")
    (world.site.desired / "data.yaml").unlink()
    plan = world.plan()
    assert plan.empty
    assert [live.key for live in plan.unmanaged] == [Key("volume", "data")]
    assert read(docker) == "precious\n"


def test_one_of_the_name_is_used_as_it_is(world: World, docker: Docker) -> None:
    assert docker("volume", "create", "data").code == 0
    write(docker, "theirs")
    declare(world, "protect: true")
    plan = world.plan()
    assert (plan.empty, plan.warnings) == (True, ())
    assert SITE not in (inspect(docker)["Labels"] or {})
    assert read(docker) == "theirs\n"


def test_another_form_is_a_warning_and_never_made_anew(world: World, docker: Docker) -> None:
    declare(world, "")
    assert world.apply().exit_code == 0
    write(docker, "precious")
    before = inspect(docker)
    declare(world, "driver_opts: {type: tmpfs, device: tmpfs}, labels: {a: b}")
    shown = world.site.conduit("diff")
    assert shown.code == 0
    assert "driver_opts" in shown.stdout + shown.stderr
    assert "docker volume rm data" in " ".join((shown.stdout + shown.stderr).split())
    assert world.site.conduit("apply", "--yes").code == 0
    assert inspect(docker) == before
    assert read(docker) == "precious\n"


def test_a_lost_volume_is_made_again(world: World, docker: Docker) -> None:
    declare(world, "")
    assert world.apply().exit_code == 0
    assert world.plan().empty
    assert settled(world.site.settings_file) is not None
    assert docker("volume", "rm", "data").code == 0
    assert settled(world.site.settings_file) is None
    assert [change.key for change in world.changes()] == [Key("volume", "data")]
    assert world.apply().exit_code == 0
    assert inspect(docker)["Name"] == "data"


def test_volumes_that_nobody_named_are_not_listed(world: World, docker: Docker) -> None:
    assert docker("volume", "create").code == 0
    assert docker("volume", "create", "theirs").code == 0
    assert [live.key.name for live in world.plan().unmanaged] == ["theirs"]


@pytest.mark.parametrize("device", ["/", "/etc", "/var/run/docker.sock", "STATE", "LINK"])
def test_options_that_hand_over_the_host_have_to_be_asked_for(world: World, docker: Docker, device: str) -> None:
    link = world.site.directory / "link"
    link.symlink_to("/root")
    device = {"STATE": str(world.site.directory / "state"), "LINK": str(link)}.get(device, device)
    declare(world, f"driver_opts: {{type: none, o: bind, device: {device}}}")
    refused = world.site.conduit("apply", "--yes")
    assert refused.code == 1
    assert "CND-1520" in refused.stderr
    assert "data.yaml:2" in refused.stderr
    assert docker("volume", "inspect", "data").code != 0
    declare(world, f"dangerous: true, driver_opts: {{type: none, o: bind, device: {device}}}")
    assert world.site.conduit("validate").code == 0


@pytest.mark.parametrize(
    "spec",
    [
        VolumeSpec(),
        VolumeSpec(driver="other", driver_opts={"b": "2", "a": "1"}, labels={"x": "y"}),
        VolumeSpec(project="wiki", alias="data"),
    ],
)
def test_a_spec_comes_back_from_its_form(spec: VolumeSpec) -> None:
    assert VolumeSpec.model_validate(fields_of(build(spec.model_dump()))) == spec
