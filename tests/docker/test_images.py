"""Images: fetched, named as ours, and let go, as Docker's own CLI sees them."""

from __future__ import annotations

import pytest

from conduit.change import Action, Result
from conduit.model import Key
from conduit.sandbox.daemon import Daemon
from conduit.settled import settled
from tests.docker.image_world import BASE, Docker, Publish, declare, names, ours, says
from tests.engine.conftest import World


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
    assert drift.key == Key("image", "web")
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
