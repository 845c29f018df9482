"""Users, roles and grants as they are declared, and what self.db then says to the sqlite3 program."""

from __future__ import annotations

import signal

import pytest

from tests.conftest import Site
from tests.failing import at
from tests.identity.users_site import ADA, BOB, HASH, apply, declare, log_in, sql

FOREIGN = """
INSERT INTO users VALUES ('ada', 'u0', '', 'viewer', '[]', 1, '', '{hash}', '', 1, '', 0, '[]', 1, 1, NULL, 3)
"""


@pytest.fixture
def proxies() -> tuple[str, ...]:
    """These tests need no proxy."""
    return ()


def test_a_site_without_users_has_no_database(site: Site) -> None:
    site.write("x.yaml", "dns_records:\n  x: {name: x.home.arpa, value: 10.0.0.1}\n")
    assert apply(site).code == 0
    assert not (site.directory / "keys" / "self.db").exists()


def test_a_change_of_rights_begins_an_epoch_and_one_of_the_address_does_not(site: Site) -> None:
    declare(site, ADA + BOB)
    before = sql(site, "SELECT uid, epoch FROM users WHERE name = 'bob'")
    declare(site, ADA + "  bob: {role: viewer, email: bob@home.arpa}\n")
    assert sql(site, "SELECT uid, epoch FROM users WHERE name = 'bob'") == before
    for fields in ("role: operator", "role: operator, permissions: [dns:delete]", "role: operator, active: false"):
        epoch = sql(site, "SELECT epoch FROM users WHERE name = 'bob'")[0][0]
        declare(site, f"{ADA}  bob: {{{fields}}}\n")
        assert sql(site, "SELECT epoch FROM users WHERE name = 'bob'") == [(epoch + 1,)]


def test_a_changed_role_begins_an_epoch_for_whoever_has_it(site: Site) -> None:
    role = "roles:\n  names: {permissions: [dns:read]}\n"
    declare(site, f"{ADA}  bob: {{role: names}}\n{role}")
    before = dict(sql(site, "SELECT name, epoch FROM users"))
    declare(site, f"{ADA}  bob: {{role: names}}\n{role.replace('dns:read', 'dns:write')}")
    assert dict(sql(site, "SELECT name, epoch FROM users")) == {"ada": before["ada"], "bob": before["bob"] + 1}


def test_a_removed_user_leaves_no_session_and_no_key(site: Site) -> None:
    declare(site, ADA + BOB)
    log_in(site, "ada")
    log_in(site, "bob")
    declare(site, ADA)
    assert sql(site, "SELECT user FROM sessions UNION ALL SELECT user FROM keys") == [("ada",), ("ada",)]


def test_somebody_who_was_there_before_is_adopted_with_the_password(site: Site) -> None:
    declare(site, "roles:\n  names: {permissions: [dns:read]}\n")
    sql(site, FOREIGN.format(hash=HASH))
    assert "user/ada" in site.conduit("diff", "-v").stdout, "it is listed as unmanaged"
    site.write("users.yaml", ADA + "roles:\n  names: {permissions: [dns:read]}\n")
    assert "adopt" in site.conduit("diff").stdout
    assert apply(site).code == 0
    assert sql(site, "SELECT uid, role, password_hash FROM users") == [("u0", "admin", HASH)]
    assert "No changes" in site.conduit("diff").stdout


def test_somebody_undeclared_and_unmarked_stays(site: Site) -> None:
    declare(site, "roles:\n  names: {permissions: [dns:read]}\n")
    sql(site, FOREIGN.format(hash=HASH))
    declare(site, "users:\n  bob: {role: admin}\n", "--allow-deletes", "1")
    assert sql(site, "SELECT name FROM users") == [("ada",), ("bob",)]


def test_a_copied_mark_makes_nobody_ours(site: Site) -> None:
    declare(site, ADA + BOB)
    sql(site, "INSERT INTO users SELECT 'eve', 'u9', email, 'admin', permissions, active, mark, password_hash, "
              "password_secret, password_set_at, totp_secret, totp_confirmed, recovery_hashes, created_at, updated_at, "
              "last_login_at, epoch FROM users WHERE name = 'ada'")  # fmt: skip
    declare(site, ADA)
    assert sql(site, "SELECT name FROM users") == [("ada",), ("eve",)]


class TestTheLastAdmin:
    """Row A7: other users never stay without an admin."""

    @pytest.mark.parametrize("instead", ["", "  ada: {role: viewer}\n", "  ada: {role: admin, active: false}\n"])
    def test_the_last_one_stays(self, site: Site, instead: str) -> None:
        declare(site, ADA + BOB)
        site.write("users.yaml", "users:\n" + BOB + instead)
        done = apply(site)
        assert done.code == 1
        assert "CND-2412" in done.stderr
        assert sql(site, "SELECT role, active FROM users WHERE name = 'ada'") == [("admin", 1)]

    def test_one_of_two_may_go(self, site: Site) -> None:
        declare(site, ADA + "  bob: {role: admin}\n")
        declare(site, "users:\n" + BOB.replace("viewer", "admin"))
        assert sql(site, "SELECT name FROM users") == [("bob",)]

    def test_the_last_one_may_go_with_everybody(self, site: Site) -> None:
        declare(site, ADA + BOB)
        declare(site, "roles: {}\n", "--allow-deletes", "2")
        assert sql(site, "SELECT name FROM users") == []

    def test_who_made_themselves_admin_is_put_back(self, site: Site) -> None:
        declare(site, "users:\n" + BOB)
        sql(site, "UPDATE users SET role = 'admin'")
        assert apply(site).code == 0
        assert sql(site, "SELECT role FROM users") == [("viewer",)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("users:\n  ada: {role: boss}\n", "CND-2411"),
        ("roles:\n  admin: {permissions: [dns:read]}\n", "CND-2421"),
        ("roles:\n  names: {permissions: [dns:all]}\n", "CND-02"),
        ("grants:\n  g: {user: nobody, deployment: wiki, level: read}\n", "CND-0302"),
        (ADA + "grants:\n  g: {user: ada, deployment: wiki, level: own}\n", "CND-02"),
        (
            ADA + "grants:\n" + "".join(f"  {g}: {{user: ada, deployment: wiki, level: read}}\n" for g in "gh"),
            "CND-0304",
        ),
        ("users:\n  ada: {role: admin, password: open}\n", "CND-02"),
        ("users:\n  'ada\\n': {role: admin}\n", "CND-0204"),
    ],
)
def test_what_cannot_be_is_refused(site: Site, text: str, code: str) -> None:
    site.write("users.yaml", text)
    done = apply(site)
    assert (done.code, code in done.stderr) == (1, True), done.stderr
    assert not (site.directory / "keys" / "self.db").exists()


@pytest.mark.parametrize("point", ["self.staged", "self.committed"])
@pytest.mark.parametrize("action", ["kill", "eio"])
def test_all_or_nothing_at_every_step(site: Site, point: str, action: str) -> None:
    """Several users change together: after a kill all of them have, or none, and one apply heals."""
    declare(site, ADA + BOB)
    site.write("users.yaml", ADA + "  bob: {role: operator}\n  eve: {role: viewer}\n")
    failed = apply(site, env=at(point, action))
    assert failed.code == (-signal.SIGKILL if action == "kill" else 4)
    assert "Traceback" not in failed.stderr
    found = dict(sql(site, "SELECT name, role FROM users"))
    changed = {"ada": "admin", "bob": "operator", "eve": "viewer"}
    assert found == (changed if point == "self.committed" else {"ada": "admin", "bob": "viewer"})
    assert apply(site).code == 0
    assert dict(sql(site, "SELECT name, role FROM users")) == changed
    assert "No changes" in site.conduit("diff").stdout


def test_a_store_open_to_others_is_unknown_and_spoils_nothing_else(site: Site) -> None:
    declare(site, ADA)
    (site.directory / "keys" / "self.db").chmod(0o644)
    site.write("x.yaml", "dns_records:\n  x: {name: x.home.arpa, value: 10.0.0.1}\n")
    done = apply(site)
    assert done.code == 6
    assert "chmod 600" in site.conduit("diff").stdout
    assert site.dig("x.home.arpa") == ["10.0.0.1"]
