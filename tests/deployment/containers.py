"""Containers that carry a site's mark, made with Docker's own CLI: what an apply leaves behind, without one."""

from __future__ import annotations

import time
from collections.abc import Callable

from conduit.manifests.settings_file import read_settings
from conduit.model import Key
from conduit.providers.docker_marks import Marks, compose_labels
from conduit.providers.keys import open_keys
from tests.conftest import Ran, Site

IMAGE = "sandbox/busybox:1"


def run_member(
    site: Site,
    docker: Callable[..., Ran],
    service: str,
    *command: str,
    deployment: str = "wiki",
    options: tuple[str, ...] = (),
    image: str = IMAGE,
) -> str:
    """Run a container of a deployment and return its name."""
    settings = read_settings(site.settings_file)
    name = f"{deployment}-{service}-1"
    marks = Marks(settings.site, open_keys(settings).mark)
    labels = marks.container_labels(Key("container", name), time.time(), False)
    labels |= compose_labels(deployment, service=service, container_number="1")
    words = [word for label, text in labels.items() for word in ("--label", f"{label}={text}")]
    done = docker("run", "--detach", "--name", name, "--network", "none", *words, *options, image, *command)
    assert done.code == 0, done.stderr
    return name
