"""`conduit user`: what root on the machine can always do, as self.db shows it to the sqlite3 program."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.conftest import Ran, Site

PASSWORD = "correct horse battery"


@pytest.fixture
def proxies() -> tuple[str, ...]:
    """These tests need no proxy."""
    return ()


@pytest.fixture
def site(site: Site) -> Site:
    """A site with an admin who is logged in."""
    site.write("users.yaml", "users:\n  ada: {role: admin}\n")
    assert site.conduit("apply", "--yes").code == 0
    sql(site, "INSERT INTO sessions VALUES ('s', 'ada', '', 'cookie', 1, 1, 9e9, '10.0.0.9', 'curl\x1b[2J', 0)")
    return site


def sql(site: Site, query: str) -> list[Any]:
    """Ask self.db, or meddle with it, as any other program would."""
    with closing(sqlite3.connect(site.directory / "keys" / "self.db")) as connection, connection:
        return connection.execute(query).fetchall()


def set_password(site: Site, value: str, name: str = "ada") -> Ran:
    return site.conduit("user", "password", name, input=f"{value}\n")


def test_a_password_is_set_and_what_began_before_ends(site: Site) -> None:
    done = set_password(site, PASSWORD)
    assert done.code == 0, done.stderr
    ((hashed, epoch),) = sql(site, "SELECT password_hash, epoch FROM users")
    assert PasswordHasher().verify(hashed, PASSWORD)
    assert epoch == 2, "one when they became admin, one now"
    assert "No changes" in site.conduit("diff").stdout, "a password of one's own is no difference"
    journal = site.conduit("journal", "--json").stdout
    assert PASSWORD not in journal
    assert hashed not in journal


@pytest.mark.parametrize("value", ["", "short", "x" * 257])
def test_an_unfit_password_is_refused(site: Site, value: str) -> None:
    done = set_password(site, value)
    assert (done.code, "CND-2301" in done.stderr) == (1, True)
    assert sql(site, "SELECT password_hash FROM users") == [("",)]


def test_a_password_from_a_secret_is_not_overridden(site: Site) -> None:
    site.conduit("secret", "set", "ada", input=PASSWORD)
    site.write("users.yaml", "users:\n  ada: {role: admin, password: {secret: ada}}\n")
    assert site.conduit("apply", "--yes").code == 0
    before = sql(site, "SELECT password_hash FROM users")
    done = set_password(site, PASSWORD * 2)
    assert (done.code, "CND-2413" in done.stderr, "secret set" in done.stderr) == (1, True, True)
    assert sql(site, "SELECT password_hash FROM users") == before


def test_an_unknown_user_is_told(site: Site) -> None:
    for words in (("password", "bob"), ("sessions", "bob"), ("revoke", "bob")):
        done = site.conduit("user", *words, input=PASSWORD)
        assert (done.code, "CND-2403" in done.stderr) == (1, True)


def test_sessions_are_listed_and_ended(site: Site) -> None:
    shown = site.conduit("user", "sessions", "ada").stdout
    assert "10.0.0.9" in shown
    assert "\x1b" not in shown, "what a client says of itself is escaped"
    assert "1 session ended" in site.conduit("user", "revoke", "ada").stdout
    assert sql(site, "SELECT * FROM sessions") == []
    assert sql(site, "SELECT epoch FROM users") == [(2,)]
    assert json.loads(site.conduit("user", "sessions", "ada", "--json").stdout)["sessions"] == []


def test_the_list_says_who_can_log_in(site: Site) -> None:
    set_password(site, PASSWORD)
    (ada,) = json.loads(site.conduit("user", "list", "--json").stdout)["users"]
    assert (ada["name"], ada["role"], ada["password"], ada["last_login"]) == ("ada", "admin", True, None)
    assert "ada" in site.conduit("user", "list").stdout


def test_what_was_done_is_in_the_audit_trail_without_the_password(site: Site) -> None:
    set_password(site, PASSWORD)
    site.conduit("user", "revoke", "ada")
    trail = "".join(path.read_text() for path in sorted((site.directory / "state" / "audit").rglob("*.jsonl")))
    assert "user_password" in trail
    assert "user_revoke" in trail
    assert PASSWORD not in trail
    assert "argon2" not in trail
