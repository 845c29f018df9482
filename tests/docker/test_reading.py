"""Docker costs little: the SDK, which takes longer to import than a diff or a change, is not loaded for either."""

from __future__ import annotations

import subprocess
import sys

from conduit.model import Key
from conduit.settled import settled
from tests.conftest import ROOT
from tests.docker.container_world import SLEEP, Containers
from tests.engine.conftest import World

PLAN = """
import sys
from pathlib import Path
from conduit.engine import Engine
from conduit.manifests.settings_file import read_settings
plan = Engine(read_settings(Path(sys.argv[1]))).plan()
print(plan.empty, *sorted({"docker", "requests", "httpx", "tarfile"}.intersection(sys.modules)))
"""
CHANGE = """
import sys
from pathlib import Path
from conduit.engine import Engine
from conduit.manifests.settings_file import read_settings
engine = Engine(read_settings(Path(sys.argv[1])))
report = engine.apply(engine.plan())
print(*(each for each in report.outcomes if each.result != "ok"), *report.warnings)
print(report.exit_code, *sorted({"docker", "requests", "httpx"}.intersection(sys.modules)))
"""
AGAIN = """
import sys
from pathlib import Path
from conduit.model import Key
from conduit.settled import settled
print(settled(Path(sys.argv[1])) is not None, *sorted({"docker", "pydantic", "yaml"}.intersection(sys.modules)))
"""


def run(program: str, world: World) -> str:
    words = [sys.executable, "-c", program, str(world.site.settings_file)]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


def test_an_unchanged_docker_is_read_without_its_sdk(world: World) -> None:
    world.site.write("front.yaml", "networks:\n  front: {}\nvolumes:\n  data: {}\n")
    assert world.apply().exit_code == 0
    assert world.plan().empty
    assert settled(world.site.settings_file) is not None
    assert run(PLAN, world) == "True\n"
    assert run(AGAIN, world) == "True\n"


def test_containers_networks_and_volumes_are_changed_without_the_sdk(containers: Containers) -> None:
    front = "networks: {front: {}}\nvolumes: {data: {}}\n"
    containers.declare(front, web=f"{SLEEP}, networks: {{front: {{}}}}")
    assert run(CHANGE, containers.world) == "\n0\n", "all held, and nothing was imported for it"
    assert containers.running() == ["web"]
    containers.declare(front, web=f"{SLEEP}, networks: {{front: {{aliases: [www]}}}}, memory: 64m")
    assert run(CHANGE, containers.world) == "\n0\n", "all held, and nothing was imported for it"
    (name,) = containers.running()
    made = containers.inspect(name)
    assert made["HostConfig"]["Memory"] == 64 << 20
    assert "www" in made["NetworkSettings"]["Networks"]["front"]["Aliases"]


def test_what_somebody_else_changed_meanwhile_is_no_evidence(containers: Containers) -> None:
    """After an apply, details are asked for of what it changed; no list tells of a limit set by hand."""
    containers.declare(web=SLEEP, other=SLEEP)
    containers.apply()
    provider = containers.world.engine().providers["docker"]
    before = provider.read()
    (other,) = (name for name in containers.running() if name.startswith("other"))
    containers.docker("update", "--memory", "64m", "--memory-swap", "64m", other)
    after = provider.read_again(before, {Key("container", "web")})
    assert after.objects == before.objects
    assert provider.evidence(after) != provider.evidence(provider.read())
    assert provider.read_again(before, {Key("container", "other")}).objects == provider.read().objects


def test_what_the_lists_tell_otherwise_is_looked_at_again(containers: Containers) -> None:
    containers.declare(web=SLEEP, other=SLEEP)
    containers.apply()
    provider = containers.world.engine().providers["docker"]
    before = provider.read()
    web, other = sorted(containers.running(), reverse=True)
    containers.docker("stop", web)
    containers.docker("rename", other, "elsewhere")
    again = provider.read_again(before, ())
    assert again.objects == provider.read().objects != before.objects
    containers.docker("rm", "--force", web, "elsewhere")
    assert provider.read_again(again, ()).objects == provider.read().objects
