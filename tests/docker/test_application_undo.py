"""Undoing a run brings back the files that its manifests named, as they were then, or says that they are not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from conduit.canonical import digest_of
from conduit.errors import ConduitError
from conduit.evidence import hash_of_contents
from conduit.past import undo
from tests.docker.image_world import Docker
from tests.engine.conftest import World

MANIFEST = "deployments:\n  app: {file: ../app/compose.yaml}\n"
APPLICATION = """services:
  web:
    image: sandbox/busybox:1
    command: [sleep, "600"]
    stop_grace_period: 0s
    network_mode: none
    environment: {WHO: %s}
    secrets: [word]
secrets: {word: {file: ./word}}
"""
FIRST, SECOND = "canary-5d1f0c", "canary-9e27ab"


def write(world: World, who: str, word: str) -> None:
    """Write the application beside the manifests, which stay the same."""
    place = world.site.directory / "app"
    place.mkdir(exist_ok=True)
    (place / "compose.yaml").write_text(APPLICATION % who)
    (place / "word").write_text(word)


def twice(world: World) -> None:
    """Apply one form of the application, then another."""
    world.site.write("app.yaml", MANIFEST)
    for who, word in (("first", FIRST), ("second", SECOND)):
        write(world, who, word)
        assert world.apply().exit_code == 0


def told(docker: Docker) -> tuple[str, str]:
    """What the only container has in its environment and in its secret."""
    (container,) = docker("ps", "--quiet").stdout.split()
    environment = dict(line.split("=", 1) for line in docker("exec", container, "env").stdout.splitlines())
    return environment["WHO"], docker("exec", container, "cat", "/run/secrets/word").stdout.strip()


def test_an_undo_brings_back_the_files_that_manifests_name(world: World, docker: Docker) -> None:
    """Regression: they were read as they lie there now, so that nothing was undone."""
    twice(world)
    assert told(docker) == ("second", SECOND)
    world.go_back(undo)
    assert told(docker) == ("first", FIRST)
    world.go_back(undo)
    assert told(docker) == ("second", SECOND)


def test_a_file_that_was_not_there_then_is_not_there_again(world: World, docker: Docker) -> None:
    twice(world)
    (world.site.directory / "app" / ".env").write_text("WHO=later\n")
    (world.site.directory / "app" / "compose.yaml").write_text(APPLICATION % '"${WHO:-nobody}"')
    assert world.apply().exit_code == 0
    assert told(docker) == ("later", SECOND)
    world.go_back(undo)
    assert told(docker) == ("second", SECOND)


def test_what_is_kept_of_a_secret_is_sealed(world: World, docker: Docker) -> None:
    twice(world)
    state = world.engine().state
    held = b"".join(path.read_bytes() for path in sorted(state.rglob("*")) if path.is_file())
    assert all(word.encode() not in held for word in (FIRST, SECOND))
    assert {path.stat().st_mode & 0o777 for path in _kept(state)} == {0o600}


def test_files_that_are_not_known_any_more_refuse_the_undo(world: World, docker: Docker) -> None:
    twice(world)
    for path in _kept(world.engine().state):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ConduitError, match=r"the files that the manifests of run \d+ name are not known any more"):
        undo(world.engine())
    assert told(docker) == ("second", SECOND)


STORED = """deployments:
  app:
    env: {WORD: {secret: word}}
    compose:
      services:
        web:
          image: sandbox/busybox:1
          command: [sleep, "600"]
          stop_grace_period: 0s
          network_mode: none
          environment: {WHO: $WORD}
          secrets: [word]
      secrets: {word: {environment: WORD}}
"""


@pytest.fixture
def rotated(world: World) -> World:
    """A deployment that was applied with one value of a stored secret, and with another."""
    world.site.write("app.yaml", STORED)
    for word in (FIRST, SECOND):
        world.engine().secrets.set("word", word)
        assert world.apply().exit_code == 0
    return world


def test_an_undo_brings_back_the_value_of_a_stored_secret(rotated: World, docker: Docker) -> None:
    """Regression: the manifests were the same, so that there was nothing to undo; else the value of today was used."""
    assert told(docker) == (SECOND, SECOND)
    rotated.go_back(undo)
    assert told(docker) == (FIRST, FIRST)
    assert rotated.engine().secrets.get("word") == SECOND
    rotated.go_back(undo)
    assert told(docker) == (SECOND, SECOND)


def test_an_undo_brings_back_a_secret_that_was_removed_since(rotated: World, docker: Docker) -> None:
    rotated.site.write("app.yaml", STORED.replace("{secret: word}", "plain"))
    rotated.engine().secrets.remove("word")
    assert rotated.apply().exit_code == 0
    assert told(docker) == ("plain", "plain")
    rotated.go_back(undo)
    assert told(docker) == (SECOND, SECOND)


def test_values_of_secrets_are_kept_sealed_and_no_name_tells_of_them(rotated: World, docker: Docker) -> None:
    state = rotated.engine().state
    held = b"".join(f"{path}\n".encode() + path.read_bytes() for path in sorted(state.rglob("*")) if path.is_file())
    for word in (FIRST, SECOND):
        contents = {"word": word.encode()}
        assert all(each.encode() not in held for each in (word, hash_of_contents(contents), digest_of({"word": word})))
    assert {path.stat().st_mode & 0o777 for path in (state / "secrets").iterdir()} == {0o600}


def test_secrets_that_are_not_known_any_more_refuse_the_undo(rotated: World, docker: Docker) -> None:
    for path in (rotated.engine().state / "secrets").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ConduitError, match=r"the secrets that run \d+ used are not known any more"):
        undo(rotated.engine())
    assert told(docker) == (SECOND, SECOND)


def _kept(state: Path) -> list[Path]:
    found = sorted((state / "files").iterdir())
    assert len(found) == 2
    return found
