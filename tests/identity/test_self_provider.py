"""The provider of conduit's own users: what is taken back, and what a removal leaves alone, as sqlite3 sees it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from conduit.engine import Engine
from conduit.manifests.settings_file import read_settings

FIRST, SECOND = "correct horse battery", "another horse battery"
MANIFEST = "users:\n  ada: {role: admin}\n  bob: {role: viewer, password: {secret: bob}}\n"


class World:
    """A site without any daemon: each call uses a new engine, as each command does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "desired").mkdir()
        (directory / "conduit.yaml").write_text("keys_dir: keys\nstate_dir: state\n")
        self.engine().secrets.set("bob", FIRST)

    def engine(self) -> Engine:
        return Engine(read_settings(self.directory / "conduit.yaml"))

    def declare(self, text: str) -> None:
        (self.directory / "desired" / "users.yaml").write_text(text)

    def apply(self) -> None:
        engine = self.engine()
        assert engine.apply(engine.plan()).exit_code == 0

    def sql(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.directory / "keys" / "self.db")) as connection, connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.declare(MANIFEST)
    world.apply()
    return world


def test_what_is_taken_back_is_as_it_was_but_for_the_epoch(world: World) -> None:
    """Sessions that a change ended do not come back with what it changed."""
    columns = "name, uid, role, permissions, active, mark, password_hash, password_secret"
    before = world.sql(f"SELECT {columns} FROM users")
    (epoch,) = world.sql("SELECT epoch FROM users WHERE name = 'bob'")[0]
    world.declare(MANIFEST.replace("viewer", "operator") + "  eve: {role: viewer}\n")
    engine = world.engine()
    engine.secrets.set("bob", SECOND)
    plan, provider = engine.plan(), engine.providers["self"]
    earlier = provider.read()
    assert {outcome.result for outcome in provider.apply(plan.changes, earlier).values()} == {"ok"}
    ((hashed, role),) = world.sql("SELECT password_hash, role FROM users WHERE name = 'bob'")
    assert (PasswordHasher().verify(hashed, SECOND), role) == (True, "operator")

    provider.undo(plan.changes, earlier)
    assert world.sql(f"SELECT {columns} FROM users") == before
    assert world.sql("SELECT epoch FROM users WHERE name = 'bob'") == [(epoch + 2,)]


def test_a_secret_set_anew_meanwhile_is_not_applied(world: World) -> None:
    world.declare(MANIFEST.replace("viewer", "operator"))
    before = world.sql("SELECT password_hash, role FROM users WHERE name = 'bob'")
    engine = world.engine()
    engine.secrets.set("bob", SECOND)
    plan, provider = engine.plan(), engine.providers["self"]
    engine.secrets.set("bob", FIRST + SECOND)
    (outcome,) = provider.apply(plan.changes, provider.read()).values()
    assert (outcome.result, "apply again" in outcome.reason) == ("failed", True)
    assert world.sql("SELECT password_hash, role FROM users WHERE name = 'bob'") == before


def test_somebody_made_anew_under_a_name_is_not_removed_with_the_one_before(world: World) -> None:
    provider = world.engine().providers["self"]
    (bob,) = [live for live in provider.read().ours() if live.key.name == "bob"]
    world.sql("UPDATE users SET uid = 'another' WHERE name = 'bob'")
    provider.remove([bob])
    assert world.sql("SELECT uid FROM users WHERE name = 'bob'") == [("another",)]


def test_a_login_is_no_difference_and_no_new_version(world: World) -> None:
    version = world.engine().providers["self"].read().version
    world.sql("UPDATE users SET last_login_at = 5, totp_secret = 'x', updated_at = 6")
    world.sql("UPDATE users SET password_hash = 'set by an operation' WHERE name = 'ada'")
    assert world.engine().providers["self"].read().version == version
    assert world.engine().plan().empty


def test_two_engines_see_each_other_at_once(world: World) -> None:
    """Row A6: another process knows of a change with its next look."""
    one, two = (world.engine().providers["self"] for _ in range(2))
    assert one.read().version == two.read().version
    one.set_password("ada", "x")  # type: ignore[attr-defined]
    world.declare(MANIFEST.replace("viewer", "auditor"))
    world.apply()
    assert one.read().version == two.read().version
    assert {live.native["role"] for live in two.read().ours()} == {"admin", "auditor"}
