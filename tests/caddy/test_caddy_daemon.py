"""Caddies of several versions, with and without a configuration, restarted, and reached over TCP."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from caddy_world import World, key_of, plain

from conduit.engine import Engine
from conduit.errors import Unreadable
from conduit.manifests.settings_file import read_settings
from conduit.providers import caddy_checks
from conduit.sandbox import caddy as private_caddy
from conduit.sandbox.daemon import Daemon

SINCE_2_7 = {"named_routes", "stream_close_delay"}


@pytest.mark.parametrize(
    ("found", "features", "warned"),
    [((2, 6, 2), set(), True), ((2, 11, 0), SINCE_2_7, True), ((2, 11, 1), SINCE_2_7, False)],
)
def test_an_old_version_lacks_features_or_is_warned_about(
    found: tuple[int, ...], features: set[str], warned: bool
) -> None:
    assert caddy_checks.features(found) == features
    assert bool(caddy_checks.version_warnings(found)) == warned


def test_the_version_is_asked_once_per_binary(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.read().features == SINCE_2_7
    monkeypatch.setattr(caddy_checks, "_ask", lambda program: (2, 6, 2))
    assert world.read().features == SINCE_2_7
    (world.state / "cache" / "caddy-version.json").write_text("damaged")
    assert world.read().features == frozenset()
    world.options["program"] = None
    assert world.read().features == frozenset()


def test_a_relative_program_lies_beside_conduit_yaml(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it was looked up from wherever the command was run."""
    (tmp_path / "caddy").symlink_to(world.daemon.section["program"])
    document = {"state_dir": str(world.state), "caddy": world.daemon.section | {"program": "caddy"}}
    (tmp_path / "conduit.yaml").write_text(json.dumps(document))
    monkeypatch.chdir("/")
    engine = Engine(read_settings(tmp_path / "conduit.yaml"))
    assert engine.providers["caddy"].read().features == SINCE_2_7


def test_a_caddy_without_any_configuration_gets_an_admin_block(directory: Path, private: Callable[..., Daemon]) -> None:
    """`caddy run` without a file has the configuration `null` and its admin API where the environment says."""
    recorded = private_caddy.prepare(directory / "caddy")
    argv = (recorded.argv[0], "run")
    bare = replace(recorded, argv=argv, environment=recorded.environment | {"CADDY_ADMIN": recorded.section["admin"]})
    private(lambda: (bare.start(), bare)[1])
    world = World(bare, directory / "state")
    assert world.config() is None
    assert world.read().frame is None
    world.apply({"wiki": plain()})
    assert world.config()["admin"] == {"listen": bare.section["admin"]}
    assert world.diff("wiki", plain()) is None


def test_restarted_without_its_state_everything_is_drift_and_one_write_heals(world: World) -> None:
    routes = {"a": plain("a.lan"), "b": plain("b.lan")}
    world.apply(routes)
    world.daemon.stop()
    with pytest.raises(Unreadable, match="cannot be read"):
        world.read()
    world.daemon.start()
    assert world.read().frame is None
    assert all(world.diff(name, spec) for name, spec in routes.items())
    world.apply(routes)
    assert not any(world.diff(name, spec) for name, spec in routes.items())


def test_a_lost_reply_is_resolved_by_reading(world: World) -> None:
    def lose(point: str) -> None:
        if point == "caddy.commit.sent":
            raise OSError("the connection died")

    world.failpoint = lose
    after = world.apply({"wiki": plain()})
    assert set(after.owned()) == {key_of("wiki")}
    assert set(world.read().owned()) == {key_of("wiki")}


def test_reading_right_after_a_reload_works(world: World) -> None:
    """Regression: the admin endpoint that a reload replaces still accepts a connection and closes it unanswered."""
    for number in range(1, 25):
        after = world.apply({"wiki": plain(upstream=f"127.0.0.1:{number}")})
        assert world.read().version == after.version


def test_admin_over_tcp(directory: Path, private: Callable[..., Daemon]) -> None:
    from conduit.sandbox.machine import free_port

    address = f"127.0.0.1:{free_port()}"
    world = World(private(private_caddy.start, directory / "caddy", admin=address), directory / "state")
    world.apply({"wiki": plain()})
    assert world.diff("wiki", plain()) is None
    assert any("on TCP" in finding for finding in world.provider.check())
