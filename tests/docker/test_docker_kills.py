"""kill -9 and I/O errors at each step with networks, volumes and images: one apply heals, and nothing is left over."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import pytest

from conduit.failpoints import NAMES
from tests.conftest import Ran, Site
from tests.failing import at

Docker = Callable[..., Ran]
SORTS = ("docker.network.", "docker.volume.", "docker.image.")
POINTS = [name for name in NAMES if name.startswith(SORTS)]
OLD = """\
images:
  app: {build: {context: app, args: {SAYS: old}}}
networks:
  front: {}
  leaving: {}
containers:
  web:
    image: app
    command: [sleep, "600"]
    stop_grace_period: 0s
    needs: [network/front]
    networks: {front: {aliases: [www]}}
"""
NEW = (
    OLD.replace("SAYS: old", "SAYS: new").replace("front: {}", "front: {internal: true}").replace("  leaving: {}\n", "")
)
NEW += "volumes: {data: {}}\n"


@pytest.fixture
def site(docker_site: Site) -> Site:
    """A site whose network holds a container and will be replaced, whose image will be built anew."""
    (docker_site.directory / "app").mkdir()
    dockerfile = "FROM sandbox/busybox:1\nARG SAYS\nLABEL says=$SAYS\n"
    (docker_site.directory / "app" / "Dockerfile").write_text(dockerfile)
    docker_site.write("site.yaml", OLD)
    done = apply(docker_site)
    assert done.code == 0, done.stdout + done.stderr
    docker_site.write("site.yaml", NEW)
    return docker_site


def apply(site: Site, point: str = "", action: str = "kill") -> Ran:
    env = at(point, action) if point else {}
    return site.conduit("apply", "--yes", "--allow-deletes", "1", env=env)


def check_whole(site: Site, docker: Docker) -> None:
    """One apply makes the wish true, the next diff is empty, and nothing of the way there is left."""
    done = apply(site)
    assert done.code == 0, done.stdout + done.stderr
    assert "No changes." in site.conduit("diff").stdout
    names = docker("network", "ls", "--filter", "type=custom", "--format", "{{.Name}}").stdout.split()
    assert names == ["front"]
    network = json.loads(docker("network", "inspect", "front").stdout)[0]
    assert network["Internal"]
    assert len(network["Containers"]) == 1
    assert docker("volume", "ls", "--format", "{{.Name}}").stdout.split() == ["data"]
    assert len(docker("ps", "--all", "--quiet").stdout.split()) == 1
    (tag,) = docker("image", "ls", "--filter", "label=says", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    assert docker("image", "inspect", "--format", "{{.Config.Labels.says}}", tag).stdout == "new\n"
    assert docker("run", "--rm", "--network", "front", "sandbox/busybox:1", "nslookup", "www").code == 0


@pytest.mark.parametrize("action", ["kill", pytest.param("eio", marks=pytest.mark.soak)])
@pytest.mark.parametrize("point", POINTS)
def test_every_step_may_fail(site: Site, docker: Docker, point: str, action: str) -> None:
    failed = apply(site, point, action)
    expected = (-signal.SIGKILL,) if action == "kill" else (0, 4)
    assert failed.code in expected, failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr
    check_whole(site, docker)
