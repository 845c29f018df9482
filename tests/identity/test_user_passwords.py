"""Passwords of declared users: from a secret, and what becomes of them when users go and come back."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from tests.conftest import Site
from tests.identity.users_site import ADA, BOB, HASH, PASSWORD, apply, declare, log_in, sql


@pytest.fixture
def proxies() -> tuple[str, ...]:
    """These tests need no proxy."""
    return ()


class TestPasswords:
    """A password that comes from a secret."""

    WITH = "users:\n  ada: {role: admin, password: {secret: ada}}\n"

    def test_it_is_hashed_and_never_shown(self, site: Site) -> None:
        site.conduit("secret", "set", "ada", input=PASSWORD)
        done = declare(site, self.WITH)
        ((hashed,),) = sql(site, "SELECT password_hash FROM users")
        assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert PasswordHasher().verify(hashed, PASSWORD)
        said = done.stdout + done.stderr + site.conduit("get", "user", "--json").stdout
        assert PASSWORD not in said
        assert hashed not in said
        assert "No changes" in site.conduit("diff").stdout

    def test_a_new_value_is_a_change_and_ends_sessions(self, site: Site) -> None:
        site.conduit("secret", "set", "ada", input=PASSWORD)
        declare(site, self.WITH)
        site.conduit("secret", "set", "ada", input=PASSWORD * 2)
        assert "password" in site.conduit("diff").stdout
        assert apply(site).code == 0
        ((hashed, epoch),) = sql(site, "SELECT password_hash, epoch FROM users")
        assert PasswordHasher().verify(hashed, PASSWORD * 2)
        assert epoch == 2, "one for the first password, one for the second"

    def test_another_hash_in_the_database_is_drift(self, site: Site) -> None:
        site.conduit("secret", "set", "ada", input=PASSWORD)
        declare(site, self.WITH)
        sql(site, f"UPDATE users SET password_hash = '{HASH}'")
        assert site.conduit("diff", "--detailed-exitcode").code == 3
        assert apply(site).code == 0
        assert PasswordHasher().verify(sql(site, "SELECT password_hash FROM users")[0][0], PASSWORD)

    def test_without_the_line_it_holds_no_longer(self, site: Site) -> None:
        site.conduit("secret", "set", "ada", input=PASSWORD)
        declare(site, self.WITH)
        declare(site, ADA)
        assert sql(site, "SELECT password_hash, password_secret FROM users") == [("", "")]

    @pytest.mark.parametrize(("value", "told"), [("", "is not stored"), ("short", "12 to 256 characters")])
    def test_no_value_or_an_unfit_one_fails_alone(self, site: Site, value: str, told: str) -> None:
        if value:
            site.conduit("secret", "set", "ada", input=value)
        site.write("users.yaml", self.WITH + BOB)
        done = apply(site)
        assert done.code == 4
        assert told in done.stdout + done.stderr
        assert sql(site, "SELECT name FROM users") == [("bob",)]


class TestGoingBack:
    """`apply --undo` past the removal of a user: the plan says what stays gone."""

    def test_who_was_removed_comes_back_without_what_the_account_had(self, site: Site) -> None:
        """Regression: they came back without a password, and nothing said so."""
        declare(site, ADA + BOB)
        sql(site, f"UPDATE users SET password_hash = '{HASH}' WHERE name = 'bob'")
        log_in(site, "bob")
        declare(site, ADA, "--allow-deletes", "1")
        done = site.conduit("apply", "--undo", "--yes")
        assert done.code == 0, done
        assert "user/bob does not get back the password, second factor and API keys it may have had" in done.stdout
        assert "conduit user password bob" in done.stdout
        assert sql(site, "SELECT password_hash FROM users WHERE name = 'bob'") == [("",)]
        assert sql(site, "SELECT user FROM sessions UNION ALL SELECT user FROM keys") == []
        assert "CND-2414" not in site.conduit("diff").stdout

    def test_a_stored_password_comes_back(self, site: Site) -> None:
        assert site.conduit("secret", "set", "ada", input=PASSWORD).code == 0
        declare(site, TestPasswords.WITH + BOB)
        declare(site, "users:\n  eve: {role: admin}\n" + BOB, "--allow-deletes", "1")
        done = site.conduit("apply", "--undo", "--yes", "--allow-deletes", "1")
        assert done.code == 0, done
        assert "user/ada does not get back the second factor and API keys it may have had" in done.stdout
        ((hashed,),) = sql(site, "SELECT password_hash FROM users WHERE name = 'ada'")
        assert PasswordHasher().verify(hashed, PASSWORD)

    def test_who_had_a_stored_password_is_told_to_be_without(self, site: Site) -> None:
        assert site.conduit("secret", "set", "ada", input=PASSWORD).code == 0
        declare(site, ADA)
        declare(site, TestPasswords.WITH)
        done = site.conduit("apply", "--undo", "--yes")
        assert done.code == 0, done
        assert "user/ada does not get back the password it may have had" in done.stdout
        assert sql(site, "SELECT password_hash FROM users") == [("",)]
