"""A sandbox that borrows the host's Docker leaves it as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conduit.sandbox import image
from tests.conftest import Site

APPLICATION = """
deployments:
  app:
    compose:
      services:
        web: {image: "sandbox/busybox:1", command: [sleep, "1000"], volumes: ["data:/data"], stop_signal: SIGKILL}
      volumes: {data: {}}
"""


def test_what_it_made_goes_with_it_and_nothing_else(directory: Path, dockerd: Any, docker: Callable[..., Any]) -> None:
    assert docker("create", "--name", "foreign", image.NAME).code == 0
    assert docker("tag", image.NAME, "kept:1").code == 0
    before = everything(docker)
    site = borrowing(directory, dockerd)
    site.up()
    site.write("app.yaml", APPLICATION)
    applied = site.conduit("apply", "--yes")
    assert applied.code == 0, applied
    assert "app-web-1" in docker("ps", "--format", "{{.Names}}").stdout
    site.up()
    assert site.conduit("diff", "--detailed-exitcode").code == 0
    site.remove()
    assert everything(docker) == before


def test_the_image_goes_with_the_sandbox_that_brought_it(
    directory: Path, dockerd: Any, docker: Callable[..., Any]
) -> None:
    assert docker("image", "rm", image.NAME).code == 0
    without = everything(docker)
    site = borrowing(directory, dockerd)
    site.up()
    site.up()
    assert docker("image", "inspect", image.NAME).code == 0
    site.remove()
    assert everything(docker) == without


def test_the_image_it_brought_stays_for_a_container_of_somebody_else(
    directory: Path, dockerd: Any, docker: Callable[..., Any]
) -> None:
    assert docker("image", "rm", image.NAME).code == 0
    site = borrowing(directory, dockerd)
    site.up()
    assert docker("create", "--name", "foreign", image.NAME).code == 0
    before = everything(docker)
    site.remove()
    assert everything(docker) == before
    assert not site.directory.exists()


def borrowing(directory: Path, dockerd: Any) -> Site:
    """Return a site that uses the dockerd of the tests as if it were the host's own."""
    return Site(directory / "site", proxies=(), host_docker=Path(dockerd.section["socket"]))


def everything(docker: Callable[..., Any]) -> list[str]:
    """Return all that Docker holds."""
    containers = docker("ps", "--all", "--format", "container {{.Names}}").stdout
    networks = docker("network", "ls", "--format", "network {{.Name}}").stdout
    volumes = docker("volume", "ls", "--format", "volume {{.Name}}").stdout
    images = docker("image", "ls", "--format", "image {{.Repository}}:{{.Tag}}").stdout
    return sorted((containers + networks + volumes + images).splitlines())
