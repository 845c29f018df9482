"""Images that are built from a directory beside the manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conduit.model import Key
from conduit.settled import settled
from tests.docker.image_world import BASE, Docker, declare, names, ours
from tests.engine.conftest import World


@pytest.fixture
def context(world: World) -> Path:
    """A build context beside the manifests."""
    path = world.site.directory / "app"
    path.mkdir()
    (path / "Dockerfile").write_text(f"FROM {BASE} AS base\nARG WHO=nobody\nRUN echo $WHO > /who\nCOPY . /app\n")
    (path / "page").write_text("one\n")
    return path


def run_in(docker: Docker, name: str, *words: str) -> str:
    done = docker("run", "--rm", "--network", "none", name, *words)
    return done.stdout + done.stderr


def test_an_image_is_built_and_built_anew_when_its_directory_changes(
    world: World, docker: Docker, context: Path
) -> None:
    declare(world, "reference: 'app:1', build: {context: app, args: {WHO: me}}")
    report = world.apply()
    assert report.exit_code == 0, report.outcomes
    assert names(docker) == {"app:1", ours(docker)}
    assert run_in(docker, ours(docker), "cat", "/who", "/app/page") == "me\none\n"
    assert world.plan().empty
    assert settled(world.site.settings_file) is not None

    (context / "page").write_text("two\n")
    assert settled(world.site.settings_file) is None
    (change,) = world.changes()
    assert [each.path for each in change.diff.fields] == ["content"]
    assert world.apply().exit_code == 0
    assert run_in(docker, ours(docker), "cat", "/app/page") == "two\n"
    assert world.plan().empty

    declare(world, "reference: 'app:1', build: {context: app, args: {WHO: you}}")
    (change,) = world.changes()
    assert [each.path for each in change.diff.fields] == ["build.args.WHO"]
    assert world.apply().exit_code == 0
    assert run_in(docker, "app:1", "cat", "/who") == "you\n"

    (world.site.desired / "web.yaml").unlink()
    assert world.apply(allow_deletes=1).exit_code == 0
    assert names(docker) == set()


def test_a_directory_that_is_moved_is_not_built_again(world: World, docker: Docker, context: Path) -> None:
    """A checkout elsewhere held the same, and everything built from it was built anew."""
    declare(world, "build: {context: app}")
    assert world.apply().exit_code == 0
    (world.site.directory / "elsewhere").mkdir()
    moved = context.rename(world.site.directory / "elsewhere" / "app")
    declare(world, "build: {context: elsewhere/app}")
    assert world.plan().empty
    (moved / "page").write_text("two\n")
    (change,) = world.changes()
    assert [each.path for each in change.diff.fields] == ["content"]


def test_what_dockerignore_leaves_out_does_not_count(world: World, docker: Docker, context: Path) -> None:
    (context / ".dockerignore").write_text("*.log\nDockerfile\n")
    (context / "x.log").write_text("1")
    declare(world, "build: {context: app}")
    assert world.apply().exit_code == 0
    (context / "x.log").write_text("2")
    assert world.plan().empty
    assert run_in(docker, ours(docker), "ls", "/app") == "page\n"


@pytest.mark.parametrize("relative", [True, False])
def test_a_target_and_a_dockerfile_outside(world: World, docker: Docker, context: Path, relative: bool) -> None:
    """A relative one counts from the context, and not from where conduit was started."""
    outside = world.site.directory / "Other"
    outside.write_text(f"FROM {BASE} AS one\nRUN echo 1 > /n\nFROM {BASE} AS two\nRUN echo 2 > /n\n")
    written = "../Other" if relative else outside
    declare(world, f"build: {{context: app, dockerfile: {written}, target: one}}")
    assert world.apply().exit_code == 0
    assert run_in(docker, ours(docker), "cat", "/n") == "1\n"
    outside.write_text(outside.read_text().replace("echo 1", "echo 3"))
    assert [change.key for change in world.changes()] == [Key("image", "web")]


def test_a_build_that_fails_says_what_it_said(world: World, docker: Docker, context: Path) -> None:
    (context / "Dockerfile").write_text(f"FROM {BASE}\nRUN echo the disk is on fire && exit 3\n")
    declare(world, "build: {context: app}")
    report = world.apply()
    assert report.exit_code == 4
    assert "exit 3" in report.outcomes[0].reason
    assert "the disk is on fire" in report.outcomes[0].reason
    assert docker("ps", "-aq").stdout == ""


@pytest.mark.parametrize(
    ("what", "code"), [("missing", "CND-1522"), ("/etc", "CND-1523"), ("keys", "CND-1523"), ("state", "CND-1523")]
)
def test_a_context_that_must_not_or_cannot_be_read(world: World, docker: Docker, what: str, code: str) -> None:
    declare(world, f"build: {{context: {what}}}")
    refused = world.site.conduit("validate")
    assert (refused.code, code in refused.stderr) == (1, True)
    assert "web.yaml:2" in refused.stderr


def test_a_directory_that_changes_under_the_plan_is_not_built(world: World, docker: Docker, context: Path) -> None:
    declare(world, "build: {context: app}")
    engine = world.engine()
    plan: Any = engine.plan()
    (context / "page").write_text("something else\n")
    report = engine.apply(plan)
    assert report.exit_code == 4
    assert "changed since the plan was made" in report.outcomes[0].reason
    assert names(docker) == set()
