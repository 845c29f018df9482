"""A pull fetches what is newer for the images of an application; the next apply runs it."""

from __future__ import annotations

from conduit.sandbox.daemon import Daemon
from tests.docker.image_world import BASE, Docker, Publish, running
from tests.engine.conftest import World

COMPOSE = """\
deployments:
  app:
    compose:
      services:
        web: {{image: "{reference}", command: [sleep, "600"], stop_grace_period: 0s, network_mode: none}}
"""


def test_a_pull_lets_the_next_apply_run_what_is_newer(world: World, docker: Docker, publish: Publish) -> None:
    reference = publish("1")
    world.site.write("app.yaml", COMPOSE.format(reference=reference))
    assert world.apply().exit_code == 0
    same = world.site.conduit("pull", "app")
    assert (same.code, "the same" in same.stdout) == (0, True)
    assert world.plan().empty

    publish("1", says="newer")
    newer = world.site.conduit("pull", "app")
    assert (newer.code, "newer" in newer.stdout) == (0, True)
    assert running(docker) == "1"
    assert world.apply().exit_code == 0
    assert running(docker) == "newer"
    assert world.plan().empty
    assert len(set(docker("image", "ls", "--all", "--filter", "label=says", "--quiet").stdout.split())) == 1


def test_a_pull_that_fails_says_why_and_changes_nothing(
    world: World, docker: Docker, publish: Publish, registry: Daemon
) -> None:
    world.site.write("app.yaml", COMPOSE.format(reference=publish("1")))
    assert world.apply().exit_code == 0
    registry.stop()
    failed = world.site.conduit("pull", "app")
    assert (failed.code, "refused" in failed.stdout) == (4, True)
    assert world.plan().empty


def test_a_name_given_to_another_image_by_hand_is_an_update_that_a_pull_takes(world: World, docker: Docker) -> None:
    """No registry has what people build by hand, and Docker knows the earlier image by no name but ours."""
    for version in ("old", "new"):
        box = docker("create", "--network", "none", BASE).stdout.strip()
        assert docker("commit", "--change", f"LABEL says={version}", box, f"local:{version}").code == 0
        assert docker("rm", box).code == 0
    assert docker("tag", "local:old", "local:1").code == 0
    world.site.write("app.yaml", COMPOSE.format(reference="local:1"))
    assert world.apply().exit_code == 0
    for words in (("rmi", "local:old"), ("tag", "local:new", "local:1"), ("rmi", "local:new")):
        assert docker(*words).code == 0
    assert world.plan().empty
    assert "update available: local:1" in world.site.conduit("status").stdout

    newer = world.site.conduit("pull", "app")
    assert (newer.code, "newer" in newer.stdout) == (0, True)
    assert world.apply().exit_code == 0
    assert running(docker) == "new"
    assert world.plan().empty
