"""A11: the first admin of a site, made with a token that only root can read, once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from api_world import make_served
from people_world import BEHIND_A_PROXY, PASSWORD, add_user, ask, far_away, log_in, rows

FIRST = {"username": "root-of-all", "password": PASSWORD, "email": "root@home.arpa"}


@pytest.fixture
def served() -> Iterator[Any]:
    """A served site without a key and without a user, behind a proxy it trusts."""
    with make_served(**BEHIND_A_PROXY) as site:
        assert not token_file(site).exists(), "with a key nobody needs it"
        site.stop()
        site.serve(CONDUIT_API_KEY="")
        yield site


def bootstrap(served: Any, token: str, **fields: Any) -> httpx.Response:
    body = {"token": token, **FIRST, **fields}
    return served.visitor.post("/api/auth/bootstrap", json=body, headers=far_away(), timeout=60)


def token_file(served: Any) -> Any:
    return served.directory / "state" / "bootstrap-token"


def test_the_token_makes_the_first_admin_and_is_then_worth_nothing(served: Any) -> None:
    file = token_file(served)
    token = file.read_text().split("\n")[0]
    assert file.stat().st_mode & 0o777 == 0o600
    assert str(file) in served.log
    assert token not in served.log
    for wrong in ("", "x", token[:-1], token + "x", token.upper()):
        assert bootstrap(served, wrong).status_code == 401
    assert httpx.post(f"{served.url}/api/auth/bootstrap?token={token}", json=FIRST).status_code == 422
    assert bootstrap(served, token, password="short").status_code == 422
    assert bootstrap(served, token, username="../x").status_code == 422
    assert served.visitor.get("/api/setup/status").json() == {"initialized": False}
    made = bootstrap(served, token)
    assert made.status_code == 201, made.text
    assert not file.exists()
    assert served.visitor.get("/api/setup/status").json() == {"initialized": True}
    manifest = (served.desired / "users" / "root-of-all.yaml").read_text()
    assert manifest == "users:\n  root-of-all:\n    role: admin\n    email: root@home.arpa\n"
    assert bootstrap(served, token, username="second").status_code == 401
    login = log_in(served, "root-of-all")
    assert ask(served, login.json()["token"], "/api/dns/flush", "POST").status_code == 200
    trail = "".join(path.read_text() for path in (served.directory / "state" / "audit").glob("*.jsonl"))
    assert '"event":"setup"' in trail
    assert token not in trail + served.log
    assert PASSWORD not in trail + served.log
    refused = served.conduit("token")
    assert (refused.code, "CND-2306" in refused.stderr) == (1, True)


def test_a_token_is_good_for_half_an_hour_and_until_there_is_another(served: Any) -> None:
    first = token_file(served).read_text().split("\n")[0]
    done = served.conduit("token")
    assert done.code == 0, done.stderr
    second = done.stdout.strip()
    assert bootstrap(served, first).status_code == 401
    for minutes in (-1, 31):  # over, and made by a clock that was wrong
        until = datetime.now(UTC) + timedelta(minutes=minutes)
        token_file(served).write_text(f"{second}\n{until.isoformat()}\n")
        assert bootstrap(served, second).status_code == 401
    os.truncate(token_file(served), 0)
    assert bootstrap(served, "").status_code == 401
    add_user(served, "ada", "admin")
    assert served.conduit("token").code == 1
    token_file(served).write_text(f"{second}\n{(datetime.now(UTC) + timedelta(minutes=5)).isoformat()}\n")
    assert bootstrap(served, second).status_code == 401, "there is an admin"
    assert rows(served, "SELECT name FROM users") == [("ada",)]
