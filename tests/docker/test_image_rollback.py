"""Going back takes the images along that ran then, though their tags have moved on since."""

from __future__ import annotations

from pathlib import Path

import pytest

from conduit.change import Origin
from conduit.past import rollback, undo
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.image import NAME
from tests.conftest import run_program
from tests.docker.image_world import Docker, Publish, ours, running
from tests.engine.conftest import World

APPLICATION = """deployments:
  app:
    compose:
      services:
        web: {{{what}, command: [sleep, "600"], stop_grace_period: 0s, network_mode: none}}
"""


def declare(world: World, what: str) -> None:
    world.site.write("app.yaml", APPLICATION.format(what=what))


def git(world: World, *words: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    done = run_program("git", *identity, *words, cwd=world.site.directory)
    assert done.code == 0, done.stderr


def commit(world: World) -> None:
    git(world, "add", "desired")
    git(world, "commit", "--quiet", "--message", "change")


def test_an_undo_brings_back_the_image_that_was_pulled_over(world: World, docker: Docker, publish: Publish) -> None:
    """The manifests are the same before and after a pull, so that there was nothing to undo."""
    declare(world, f'image: "{publish("1")}"')
    assert world.apply().exit_code == 0
    before = docker("image", "inspect", "--format", "{{.Id}}", ours(docker, "app-web")).stdout.strip()
    publish("1", says="newer")
    assert world.site.conduit("pull", "app").code == 0
    assert world.apply().exit_code == 0
    assert running(docker) == "newer"
    assert before not in docker("image", "ls", "--all", "--no-trunc", "--quiet").stdout

    plan = world.go_back(undo)
    (change,) = (each for each in plan.changes if each.key.name == "app-web" and each.want)
    assert [(each.path, each.new) for each in change.diff.fields] == [("pin", before)]
    assert change.origin is Origin.PENDING
    assert running(docker) == "1"
    assert world.plan().empty, "the tag stands for another image, which is an update and no difference"
    world.go_back(undo)
    assert running(docker) == "newer"


def test_a_rollback_runs_the_images_of_that_commit(world: World, docker: Docker, publish: Publish) -> None:
    git(world, "init", "--quiet")
    first, second = publish("1"), publish("2")
    for reference in (first, second):
        declare(world, f'image: "{reference}"')
        commit(world)
        assert world.apply().exit_code == 0
    publish("1", says="newer")
    world.go_back(rollback, "HEAD~1")
    assert running(docker) == "1"
    world.go_back(rollback, "HEAD")
    assert running(docker) == "2"


def test_an_image_that_is_gone_for_good_is_told_and_built_again(
    world: World, docker: Docker, directory: Path, publish: Publish
) -> None:
    context = world.site.directory / "app"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {NAME}\nLABEL says=built\n")
    declare(world, "build: ../app")
    assert world.apply().exit_code == 0
    declare(world, f'image: "{publish("1")}"')
    assert world.apply().exit_code == 0
    assert docker("image", "prune", "--all", "--force", "--filter", "label=says=built").code == 0
    plan = world.go_back(undo)
    (told,) = (str(warning) for warning in plan.warnings if "image/app-web" in str(warning))
    assert "is gone and in no registry; it is built again" in told
    assert running(docker) == "built"


def test_an_image_that_its_registry_has_no_more_leaves_what_runs(
    world: World, docker: Docker, publish: Publish, registry: Daemon
) -> None:
    for tag in ("1", "2"):
        declare(world, f'image: "{publish(tag)}"')
        assert world.apply().exit_code == 0
    registry.stop()
    engine = world.engine()
    report = engine.apply(undo(engine))
    assert report.exit_code == 4
    assert "refused" in " ".join(outcome.reason for outcome in report.outcomes)
    assert running(docker) == "2"


@pytest.mark.parametrize("pin", ["nonsense", {"id": "sha256:zz", "wish": "", "digest": ""}, {}])
def test_a_record_that_was_damaged_pins_nothing(world: World, docker: Docker, publish: Publish, pin: object) -> None:
    declare(world, f'image: "{publish("1")}"')
    report = world.apply()
    assert report.exit_code == 0
    engine = world.engine()
    (key,) = engine.history.pins(report.run)
    engine.history.note_pins(report.run, {key: pin})
    engine.history.wait()
    declare(world, f'image: "{publish("2")}"')
    assert world.apply().exit_code == 0
    world.go_back(undo)
    assert running(docker) == "1"
