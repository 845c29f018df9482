"""Images: fetched, built, named as ours, and let go, as Docker's own CLI sees them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.change import Action, Result
from conduit.model import Key
from conduit.sandbox.daemon import Daemon
from conduit.settled import settled
from tests.conftest import Ran
from tests.engine.conftest import World

Docker = Callable[..., Ran]
Publish = Callable[..., str]
OURS = Key("image", "web")
BASE = "sandbox/busybox:1"


def declare(world: World, what: str) -> None:
    world.site.write("web.yaml", f"images:\n  web: {{{what}}}\n")


def names(docker: Docker) -> set[str]:
    listed = docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    return {name for name in listed if name != BASE}


def says(docker: Docker, name: str) -> str:
    return docker("image", "inspect", "--format", '{{index .Config.Labels "says"}}', name).stdout.strip()


def ours(docker: Docker) -> str:
    (name,) = [name for name in names(docker) if name.startswith("conduit.internal/sandbox:web.")]
    return name


def test_an_image_is_fetched_named_and_let_go(world: World, docker: Docker, publish: Publish) -> None:
    reference = publish("1")
    declare(world, f"reference: '{reference}'")
    assert world.apply().exit_code == 0
    assert names(docker) == {reference, ours(docker)}
    assert says(docker, ours(docker)) == "1"
    assert world.plan().empty
    (live,) = world.engine().live("image")
    assert live.facts["id"] == docker("image", "inspect", "--format", "{{.Id}}", reference).stdout.strip()
    (world.site.desired / "web.yaml").unlink()
    assert world.apply(allow_deletes=1).exit_code == 0
    assert names(docker) == set()


def test_another_reference_replaces_the_image(world: World, docker: Docker, publish: Publish) -> None:
    first, second = publish("1"), publish("2")
    declare(world, f"reference: '{first}'")
    assert world.apply().exit_code == 0
    declare(world, f"reference: '{second}', pull_policy: always")
    (change,) = world.changes()
    assert change.action is Action.REPLACE
    assert [(each.path, each.old, each.new) for each in change.diff.fields] == [("reference", first, second)]
    assert world.apply().exit_code == 0
    assert says(docker, ours(docker)) == "2"
    assert names(docker) == {second, ours(docker)}
    assert len(set(docker("image", "ls", "--all", "--filter", "label=says", "--quiet").stdout.split())) == 1
    assert world.plan().empty


def test_a_tag_that_moves_on_is_an_update_and_no_difference(world: World, docker: Docker, publish: Publish) -> None:
    reference = publish("1")
    declare(world, f"reference: '{reference}'")
    assert world.apply().exit_code == 0
    publish("1", says="newer")
    assert docker("pull", reference).code == 0
    assert says(docker, reference) == "newer"
    assert world.plan().empty
    for command in ("status", "get"):
        told = world.site.conduit(command, "image/web").stdout
        assert f"update available: {reference}" in told
    assert says(docker, ours(docker)) == "1"


def test_an_image_that_was_here_keeps_its_name(world: World, docker: Docker) -> None:
    assert docker("tag", BASE, "theirs:3").code == 0
    declare(world, "reference: 'theirs:3', pull_policy: never")
    assert world.apply().exit_code == 0
    (world.site.desired / "web.yaml").unlink()
    assert world.apply(allow_deletes=1).exit_code == 0
    assert names(docker) == {"theirs:3"}


def test_a_removed_image_is_drift_and_comes_back(world: World, docker: Docker, publish: Publish) -> None:
    reference = publish("1")
    declare(world, f"reference: '{reference}'")
    assert world.apply().exit_code == 0
    assert world.plan().empty
    assert settled(world.site.settings_file) is not None
    assert docker("rmi", ours(docker)).code == 0
    assert settled(world.site.settings_file) is None
    (drift,) = world.plan().drift
    assert drift.key == OURS
    assert world.apply().exit_code == 0
    assert says(docker, ours(docker)) == "1"


def test_our_name_on_another_image_is_worth_nothing(world: World, docker: Docker, publish: Publish) -> None:
    reference, other = publish("1"), publish("2")
    declare(world, f"reference: '{reference}'")
    assert world.apply().exit_code == 0
    name = ours(docker)
    assert docker("pull", other).code == 0
    assert docker("tag", other, name).code == 0
    assert world.engine().live("image") == []
    assert [change.action for change in world.changes()] == [Action.CREATE]
    assert world.apply().exit_code == 0
    (live,) = world.engine().live("image")
    assert says(docker, live.id) == "1"
    assert says(docker, name) == "2"


def test_an_image_in_use_stays(world: World, docker: Docker, publish: Publish) -> None:
    declare(world, f"reference: '{publish('1')}'")
    assert world.apply().exit_code == 0
    name = ours(docker)
    assert docker("create", "--name", "theirs", "--network", "none", name, "true").code == 0
    (world.site.desired / "web.yaml").unlink()
    report = world.apply(allow_deletes=1)
    assert [outcome.result for outcome in report.outcomes] == [Result.SKIPPED]
    assert "theirs" in report.outcomes[0].reason
    assert name in names(docker)
    assert docker("rm", "theirs").code == 0
    assert world.apply(allow_deletes=1).exit_code == 0
    assert names(docker) == set()


def test_protection_is_part_of_the_name(world: World, docker: Docker, publish: Publish) -> None:
    reference = publish("1")
    declare(world, f"reference: '{reference}', protect: true")
    assert world.apply().exit_code == 0
    declare(world, f"reference: '{reference}'")
    (change,) = world.changes()
    assert (change.action, [each.path for each in change.diff.fields]) == (Action.UPDATE, ["protect"])
    assert world.apply().exit_code == 0
    assert world.plan().empty
    assert names(docker) == {reference, ours(docker)}


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("reference: '{registry}/team/nothing:1'", "not found"),
        ("reference: '127.0.0.1:1/team/web:1'", "refused"),
        ("reference: '{registry}/team/web:1', platform: linux/s390x", "linux/s390x"),
        ("reference: 'nobody/has-this:1', pull_policy: never", "pull_policy is never"),
        ("reference: '{registry}/team/web@sha256:" + "0" * 64 + "'", "not found"),
    ],
)
def test_an_image_that_cannot_be_had_says_why(
    world: World, docker: Docker, registry: Daemon, publish: Publish, what: str, words: str
) -> None:
    publish("1")
    declare(world, what.format(registry=registry.address))
    report = world.apply()
    assert report.exit_code == 4
    assert words in report.outcomes[0].reason
    assert not [name for name in names(docker) if name.startswith("conduit.internal")]


def test_a_digest_is_fetched_as_it_is(world: World, docker: Docker, publish: Publish) -> None:
    reference = publish("1")
    assert docker("pull", reference).code == 0
    digest = docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", reference).stdout.strip()
    assert docker("rmi", reference).code == 0
    publish("1", says="newer")
    declare(world, f"reference: '{digest}'")
    assert world.apply().exit_code == 0
    assert says(docker, ours(docker)) == "1"
    assert world.plan().empty


@pytest.mark.parametrize("text", ["x;id", "--privileged", "-v/:/h", "x@sha256:zz", "$(id)", "x y", "x\\ny"])
def test_words_that_are_no_reference_never_reach_docker(world: World, docker: Docker, text: str) -> None:
    declare(world, f'reference: "{text}"')
    refused = world.site.conduit("apply", "--yes")
    assert refused.code == 1
    assert "web.yaml:2" in refused.stderr
    assert names(docker) == set()


# Built from a directory


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
    assert [change.key for change in world.changes()] == [OURS]


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
    (container,) = docker("ps", "--quiet").stdout.split()
    running = ("inspect", "--format", '{{index .Config.Labels "says"}}')
    assert docker(*running, container).stdout == "1\n"
    assert world.apply().exit_code == 0
    (container,) = docker("ps", "--quiet").stdout.split()
    assert docker(*running, container).stdout == "newer\n"
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
    (container,) = docker("ps", "--quiet").stdout.split()
    assert docker("inspect", "--format", '{{index .Config.Labels "says"}}', container).stdout == "new\n"
    assert world.plan().empty
