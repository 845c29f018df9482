"""Rows A7 and A9: nobody gives or reads more than they have. Asked over HTTP, checked in files and in self.db."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from api_world import make_served
from people_world import BEHIND_A_PROXY, PASSWORD, add_user, ask, declare, fits, minted, rows, token_of
from test_matrix import FILLED, routes

from conduit.identity.numbers import number_of

API = BEHIND_A_PROXY
CANARY = "canary horse battery"
MANAGER = ("users:read", "users:write", "users:delete", "dns:read")
"""What somebody who manages people may do without being an admin."""


@pytest.fixture(scope="module")
def served(served: Any) -> Any:
    """A served site with an admin, a viewer, and somebody who manages people and is no admin."""
    declare(served, "root", "admin")
    declare(served, "eve", "viewer")
    body = {"username": "mia", "password": PASSWORD, "role": "auditor", "permissions": MANAGER}
    assert served.api("POST", "/api/users", body).status_code == 201
    return served


def path_of(name: str, rest: str = "") -> str:
    return f"/api/users/{number_of('user', name)}{rest}"


def role_of(served: Any, name: str) -> list[Any]:
    return rows(served, "SELECT role, permissions, active FROM users WHERE name = ?", name)


def as_(served: Any, name: str, method: str, path: str, body: Any = None, **options: Any) -> Any:
    """Send a request as somebody who is logged in."""
    return ask(served, minted(served, name), path, method, json=body, **options)


class TestA7:
    """Nobody gives themselves or others more than they have."""

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("PUT", path_of("mia"), {"role": "admin"}),
            ("PUT", path_of("mia"), {"permissions": ["users:write", "services:write"]}),
            ("PUT", path_of("eve"), {"role": "operator"}),
            ("PUT", path_of("root"), {"email": "mine@home.arpa"}),
            ("DELETE", path_of("root"), None),
            ("POST", "/api/users", {"username": "new", "password": PASSWORD, "role": "admin"}),
            ("POST", path_of("mia", "/deployments"), {"deployment_name": "wiki", "access_level": "admin"}),
            ("PUT", path_of("mia", "/deployments/wiki"), {"access_level": "read"}),
            ("DELETE", path_of("eve", "/deployments/wiki"), None),
            ("PUT", "/api/resources/user/mia", {"role": "admin"}),
            ("PATCH", "/api/resources/user/mia", {"role": "admin"}),
            ("DELETE", "/api/resources/user/root", None),
            ("PUT", "/api/resources/role/boss", {"permissions": ["settings:write"]}),
            ("PUT", "/api/resources/grant/g", {"user": "mia", "deployment": "wiki", "level": "admin"}),
            ("POST", "/api/drift/user/mia/accept", None),
        ],
        ids=str,
    )
    def test_who_manages_people_raises_nobody(self, served: Any, method: str, path: str, body: Any) -> None:
        before = rows(served, "SELECT name, role, permissions, active, email FROM users ORDER BY name")
        files = sorted((path, path.read_text()) for path in served.desired.rglob("*.yaml"))
        answer = as_(served, "mia", method, path, body, headers={"If-Match": '"x"', "If-None-Match": "*"})
        assert answer.status_code == 403, answer.text
        assert rows(served, "SELECT name, role, permissions, active, email FROM users ORDER BY name") == before
        assert sorted((path, path.read_text()) for path in served.desired.rglob("*.yaml")) == files
        assert served.acted()["status"] == "failure"

    def test_who_manages_people_manages_those_below(self, served: Any) -> None:
        body = {"username": "low", "password": PASSWORD, "role": "auditor", "permissions": ["dns:read"]}
        assert as_(served, "mia", "POST", "/api/users", body).status_code == 201
        assert role_of(served, "low") == [("auditor", '["dns:read"]', 1)]
        assert as_(served, "mia", "PUT", path_of("low"), {"permissions": []}).status_code == 200
        assert as_(served, "mia", "DELETE", path_of("low")).status_code == 200
        assert role_of(served, "low") == []

    def test_words_nobody_asked_for_raise_nobody(self, served: Any) -> None:
        extra = {"is_admin": True, "admin": True, "mark": "x", "password_hash": "x", "epoch": 0, "uid": "0"}
        body = {"username": "mass", "password": PASSWORD, "role": "viewer", **extra}
        assert served.api("POST", "/api/users", body).status_code == 201
        assert role_of(served, "mass") == [("viewer", "[]", 1)]
        assert fits(served, "mass", PASSWORD)
        own = {"email": "mass@home.arpa", "role": "admin", "permissions": ["users:write"], "is_active": True}
        assert as_(served, "mass", "PUT", "/api/users/me", own).status_code == 200
        assert role_of(served, "mass") == [("viewer", "[]", 1)]

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("DELETE", path_of("root"), None),
            ("PUT", path_of("root"), {"role": "viewer"}),
            ("PUT", path_of("root"), {"is_active": False}),
            ("PATCH", "/api/resources/user/root", {"role": "viewer"}),
            ("DELETE", "/api/resources/user/root", None),
        ],
        ids=str,
    )
    def test_the_last_admin_stays(self, served: Any, method: str, path: str, body: Any) -> None:
        manifest = (served.desired / "users" / "root.yaml").read_text()
        version = served.api("GET", "/api/resources/user/root").headers["etag"]
        answer = served.api(method, path, body, headers={"If-Match": version})
        assert (answer.status_code, answer.json()["code"]) == (409, "CND-2412")
        assert role_of(served, "root") == [("admin", "[]", 1)]
        assert (served.desired / "users" / "root.yaml").read_text() == manifest
        assert served.conduit("diff", "--detailed-exitcode").code == 0

    def test_nobody_deletes_themselves(self, served: Any) -> None:
        assert as_(served, "root", "DELETE", path_of("root")).status_code == 400


class TestAccounts:
    """What the documented endpoints answer beside what their contract rows say."""

    def test_a_name_that_is_taken_is_a_conflict(self, served: Any) -> None:
        body = {"username": "eve", "password": PASSWORD, "role": "viewer"}
        assert served.api("POST", "/api/users", body).status_code == 409

    @pytest.mark.parametrize(
        "wrong",
        [{"password": "short"}, {"role": "boss"}, {"username": "a/b"}, {"email": "x"}, {"permissions": ["all:all"]}],
        ids=str,
    )
    def test_a_wrong_field_is_400_and_leaves_nothing(self, served: Any, wrong: dict[str, Any]) -> None:
        answer = served.api("POST", "/api/users", {"username": "odd", "password": PASSWORD, "role": "viewer", **wrong})
        assert answer.status_code == 400, answer.text
        assert "error" in answer.json()
        assert role_of(served, "odd") == []
        assert not (served.desired / "users" / "odd.yaml").exists()

    def test_nobody_is_404_and_no_number_400(self, served: Any) -> None:
        assert served.api("GET", "/api/users/1").status_code == 404
        assert served.api("GET", "/api/users/ada").status_code == 400

    def test_the_key_of_the_environment_is_no_user(self, served: Any) -> None:
        assert served.api("GET", "/api/users/me").status_code == 401

    def test_the_own_password_takes_the_present_one_and_ends_every_session(self, served: Any) -> None:
        declare(served, "pat")
        token = token_of(served, "pat")
        body = {"current_password": "not the right one", "new_password": f"{PASSWORD}!"}
        path = "/api/users/me/password"
        assert ask(served, token, path, "PUT", json=body).status_code == 401
        assert fits(served, "pat", PASSWORD)
        assert ask(served, token, path, "PUT", json={**body, "current_password": PASSWORD}).status_code == 200
        assert fits(served, "pat", f"{PASSWORD}!")
        assert ask(served, token, "/api/users/me").status_code == 401

    def test_a_user_nobody_declared_is_declared_by_a_change(self, served: Any) -> None:
        add_user(served, "old", "viewer")
        assert served.api("PUT", path_of("old"), {"email": "old@home.arpa"}).status_code == 200
        text = (served.desired / "users" / "old.yaml").read_text()
        assert text == "users:\n  old:\n    role: viewer\n    email: old@home.arpa\n"
        assert fits(served, "old", PASSWORD), "adopted with the password"

    def test_a_removed_user_takes_every_grant_along(self, served: Any) -> None:
        declare(served, "tmp", deployment="wiki")
        token = minted(served, "tmp")
        assert ask(served, token, "/api/users/me").json()["deployments"][0]["deployment_name"] == "wiki"
        assert served.api("DELETE", path_of("tmp")).status_code == 200
        assert rows(served, "SELECT * FROM grants WHERE user = 'tmp'") == []
        assert ask(served, token, "/api/users/me").status_code == 401
        assert not (served.desired / "grants" / "tmp-wiki.yaml").exists()

    def test_each_act_is_a_commit_of_the_caller(self, served: Any) -> None:
        git = ["git", "-C", str(served.directory)]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "add", "desired"], check=True)
        subprocess.run([*git, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"], check=True)
        assert as_(served, "root", "PUT", path_of("eve"), {"email": "eve@home.arpa"}).status_code == 200
        log = subprocess.run(
            [*git, "log", "-1", "--format=%an %s", "--stat"], capture_output=True, text=True, check=True
        )
        assert log.stdout.startswith("root Set user/eve")
        assert "1 file changed, 1 insertion(+)" in log.stdout


class TestA9:
    """A value that is secret is in no answer, whoever asks."""

    def test_no_answer_has_a_secret_or_a_hash(self, served: Any) -> None:
        assert served.conduit("secret", "set", "canary", input=CANARY).code == 0
        fields = {"role": "viewer", "password": {"secret": "canary"}}
        answer = served.api("PUT", "/api/resources/user/sec", fields, headers={"If-None-Match": "*"})
        assert answer.status_code == 201, answer.text
        assert fits(served, "sec", CANARY)
        hashes = [hashed for (hashed,) in rows(served, "SELECT password_hash FROM users") if hashed]
        endless = ("/api/events", "/{path}")
        for method, path, _ in routes():
            if method == "GET" and path not in endless:
                for text in answers_of(served, path):
                    assert CANARY not in text, path
                    assert not any(hashed in text for hashed in hashes), path
        assert served.api("GET", "/api/resources/user/sec").json()["spec"]["password"] == "[secret canary]"


def answers_of(served: Any, path: str) -> Iterator[str]:
    """Yield what a path answers an admin, with what there is in the places of its parts."""
    for name, value in FILLED.items():
        path = path.replace(name, str(number_of("user", "sec")) if path.startswith("/api/users/") else value)
    for kind in ("user", "role", "service") if "{kind}" in path else ("",):
        yield served.api("GET", path.replace("{kind}", kind).replace("{name}", "sec")).text


class TestTheOnlyUsers:
    """Row A7 where nobody but admins is declared: then the plan alone would let the last one go with all others."""

    @pytest.fixture
    def alone(self) -> Iterator[Any]:
        with make_served() as site:
            declare(site, "one", "admin")
            yield site

    def test_the_only_user_stays(self, alone: Any) -> None:
        seen = alone.api("GET", "/api/resources/user/one").headers["etag"]
        native = alone.api("DELETE", "/api/resources/user/one", headers={"If-Match": seen})
        for answer in (alone.api("DELETE", path_of("one")), native):
            assert (answer.status_code, answer.json()["code"]) == (409, "CND-2412"), answer.text
        assert role_of(alone, "one") == [("admin", "[]", 1)]
        assert (alone.desired / "users" / "one.yaml").exists()

    def test_two_who_delete_each_other_leave_one(self, alone: Any) -> None:
        declare(alone, "two", "admin")
        tokens = {name: minted(alone, name) for name in ("one", "two")}
        with ThreadPoolExecutor(2) as pool:
            tries = [
                pool.submit(ask, alone, tokens["one"], path_of("two"), "DELETE"),
                pool.submit(ask, alone, tokens["two"], path_of("one"), "DELETE"),
            ]
            found = sorted(each.result(60).status_code for each in tries)
        assert found[0] == 200
        assert found[1] in (401, 404, 409), "the other one is gone, or has to stay"
        assert len(rows(alone, "SELECT name FROM users")) == 1
