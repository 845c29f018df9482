"""Containers that are not conduit's stay as they are, whatever they carry or are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conduit.providers.docker_marks import KEY, MADE, MARK, SITE, WISH
from tests.docker.container_world import SLEEP, Containers


def test_copied_labels_do_not_make_a_container_ours(web: Containers, wait_for: Callable[..., Any]) -> None:
    labels = web.inspect("web")["Config"]["Labels"]
    options = [word for name in (KEY, MADE, MARK, SITE, WISH) for word in ("--label", f"{name}={labels[name]}")]
    copy = web.hand("run", "--detach", "--name", "copy", *options, "sandbox/busybox:1", "sleep", "600")
    assert web.settled()
    web.declare()
    web.apply(allow_deletes=1)
    assert web.names() == ["copy"]
    assert web.inspect("copy")["Id"] == copy


def test_a_name_that_a_foreign_container_has_is_left_to_it(containers: Containers) -> None:
    other = containers.hand("run", "--detach", "--name", "web", "sandbox/busybox:1", "sleep", "600")
    containers.declare(web=SLEEP)
    (told,) = containers.world.plan().warnings
    assert "container/web: what has this name already is not conduit's" in str(told)
    report = containers.apply(code=4)
    (reason,) = [outcome.reason for outcome in report.outcomes if outcome.key.name == "web"]
    assert "already in use" in reason
    assert (containers.names(), containers.inspect("web")["Id"]) == (["web"], other)
