"""What the tests of images share: declaring one, and Docker's own words about it."""

from __future__ import annotations

from collections.abc import Callable

from tests.conftest import Ran
from tests.engine.conftest import World

Docker = Callable[..., Ran]
Publish = Callable[..., str]
BASE = "sandbox/busybox:1"


def declare(world: World, what: str) -> None:
    """Write a manifest with the image `web` alone."""
    world.site.write("web.yaml", f"images:\n  web: {{{what}}}\n")


def names(docker: Docker) -> set[str]:
    """The names of all images but the one every test has."""
    listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    return {name for name in listed if name != BASE}


def says(docker: Docker, name: str) -> str:
    """What an image was labelled with when it was built."""
    return docker("image", "inspect", "--format", '{{index .Config.Labels "says"}}', name).stdout.strip()


def ours(docker: Docker, image: str = "web") -> str:
    """The name conduit gave to the one form there is of an image."""
    (name,) = [name for name in names(docker) if name.startswith(f"conduit.internal/sandbox:{image}.")]
    return name


def running(docker: Docker) -> str:
    """What the image of the only container says."""
    (container,) = docker("ps", "--quiet").stdout.split()
    return docker("inspect", "--format", '{{index .Config.Labels "says"}}', container).stdout.strip()
