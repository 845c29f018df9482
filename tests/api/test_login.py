"""Logging in: with a password or a key, into a token or a cookie, and what of it is told."""

from __future__ import annotations

import json
from datetime import datetime
from hashlib import sha256
from typing import Any

import jwt
import pytest
from api_world import KEY
from argon2 import PasswordHasher
from people_world import (
    BEHIND_A_PROXY,
    PASSWORD,
    add_user,
    ask,
    change_user,
    far_away,
    grant,
    log_in,
    rows,
    store_of,
    token_of,
)

from conduit.identity.passwords import Passwords

API = BEHIND_A_PROXY


def test_a_login_gives_a_token_that_works_and_tells_who_one_is(served: Any) -> None:
    add_user(served, "lea", "operator", email="lea@home.arpa")
    grant(served, "lea", "wiki", "write")
    told = log_in(served, "lea").json()
    assert (told["token_type"], told["expires_in"]) == ("Bearer", 86400)
    assert (told["user"]["username"], told["user"]["role"]) == ("lea", "operator")
    assert told["deployments"] == [{"deployment_name": "wiki", "access_level": "write"}]
    assert "services:write" in told["permissions"]
    assert "hash" not in json.dumps(told)
    assert ask(served, told["token"]).status_code == 200
    claims = jwt.decode(told["token"], options={"verify_signature": False})
    assert {"username", "user_id", "session_id", "sub", "iss", "iat", "nbf", "exp", "jti"} == claims.keys()
    assert rows(served, "SELECT last_login_at > 0 FROM users WHERE name = 'lea'") == [(1,)]


def test_nothing_in_self_db_can_be_shown_to_get_in(served: Any) -> None:
    add_user(served, "mia")
    token = token_of(served, "mia")
    jti = jwt.decode(token, options={"verify_signature": False})["jti"]
    kept = rows(served, "SELECT hash FROM sessions WHERE user = 'mia'")
    assert kept == [(sha256(jti.encode()).hexdigest(),)]
    for shown in (kept[0][0], jti, rows(served, "SELECT password_hash FROM users WHERE name = 'mia'")[0][0]):
        assert ask(served, shown).status_code == 401
    assert jti.encode() not in store_of(served).path.read_bytes()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "lea"},
        {"password": PASSWORD},
        {"username": "", "password": ""},
        {"username": ["lea"], "password": PASSWORD},
        {"username": "lea", "password": "x" * 5000},
        {"username": "x" * 5000, "password": PASSWORD},
        [],
        "lea",
    ],
    ids=str,
)
def test_a_body_that_says_nothing_is_400(served: Any, body: Any) -> None:
    answer = served.visitor.post("/api/auth/login", json=body, headers=far_away())
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]


def test_a4_whether_there_is_such_a_user_does_not_show(served: Any) -> None:
    add_user(served, "noa")
    add_user(served, "off", active=False)
    change_user(served, "off", password_hash="")
    checked = float(_metric(served, "conduit_password_checks_total"))
    answers = [
        log_in(served, name, password)
        for name, password in (("noa", "wrong password"), ("nobody", PASSWORD), ("off", PASSWORD))
    ]
    assert {answer.status_code for answer in answers} == {401}
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies[0] == bodies[1] == bodies[2]
    assert [sorted(answer.headers) for answer in answers] == [sorted(answers[0].headers)] * 3
    assert float(_metric(served, "conduit_password_checks_total")) - checked == 3, "each costs one hash"


def _metric(served: Any, name: str) -> str:
    text = served.api("GET", "/metrics").text
    return next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} "))


def test_nobody_is_logged_in_from_another_site(served: Any) -> None:
    add_user(served, "vic")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        body = {"username": "vic", "password": PASSWORD, "cookie": True}
        answer = served.visitor.post("/api/auth/login", json=body, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_a_password_is_hashed_anew_with_todays_effort(served: Any) -> None:
    add_user(served, "yan")
    change_user(served, "yan", password_hash=PasswordHasher(1, 8192, 1).hash(PASSWORD))
    token = token_of(served, "yan")
    ((kept,),) = rows(served, "SELECT password_hash FROM users WHERE name = 'yan'")
    assert "m=19456,t=2,p=1" in kept
    assert Passwords().check(PASSWORD, kept).result()
    assert ask(served, token).status_code == 200


def test_a_password_too_short_for_today_still_lets_its_owner_in(served: Any) -> None:
    add_user(served, "yul")
    change_user(served, "yul", password_hash=PasswordHasher(1, 8192, 1).hash("short"))
    assert log_in(served, "yul", "short").status_code == 200
    assert "m=8192" in rows(served, "SELECT password_hash FROM users WHERE name = 'yul'")[0][0]


def test_the_key_of_the_environment_logs_in_too(served: Any) -> None:
    answer = served.visitor.post("/api/auth/login", json={"api_key": KEY}, headers=far_away())
    assert answer.status_code == 200
    told = answer.json()
    assert "user" not in told
    assert ask(served, told["token"], "/api/dns/flush", "POST").status_code == 200
    assert KEY not in answer.text
    assert served.visitor.post("/api/auth/login", json={"api_key": told["token"][:100]}).status_code == 401


def test_validate_tells_whether_a_token_is_valid(served: Any) -> None:
    add_user(served, "zoe")
    token = token_of(served, "zoe")
    told = ask(served, token, "/api/auth/validate").json()
    assert told["valid"] is True
    claims = jwt.decode(token, options={"verify_signature": False})
    assert abs(datetime.fromisoformat(told["expires_at"]).timestamp() - claims["exp"]) <= 1
    assert served.api("GET", "/api/auth/validate").json()["expires_at"] is None, "the key of the environment stays"
    refused = ask(served, token + "x", "/api/auth/validate")
    assert (refused.status_code, refused.json()["valid"]) == (401, False)
    assert served.visitor.get("/api/auth/validate").status_code == 401
    assert served.visitor.get("/api/auth/status").json() == {"enabled": True}


def test_l1_a_name_cannot_forge_a_line_of_the_audit_trail(served: Any) -> None:
    name = 'x\n{"action":"login","status":"success"}\u202e\x1b[2J'
    assert log_in(served, name).status_code == 401
    newest = served.acted()
    assert (newest["action"], newest["status"], newest["user"]) == ("login", "failure", "anonymous")
    assert name in newest["message"]
    lines = [line for path in sorted((served.directory / "state" / "audit").glob("*.jsonl")) for line in path.open()]
    assert json.loads(lines[-1])["event"] == "login"
    assert all(line.isascii() or "\u202e" not in line for line in lines)


def test_attempts_beyond_the_limit_are_in_the_audit_trail_and_do_not_fill_it(served: Any) -> None:
    """Who was held by the throttle left no trace."""
    address, body = far_away(), {"username": "flooded", "password": "a wrong password"}
    statuses = [served.visitor.post("/api/auth/login", json=body, headers=address).status_code for _ in range(12)]
    assert statuses == [401] * 5 + [429] * 7
    entries = served.api("GET", "/api/audit?limit=50").json()["entries"]
    told = [entry for entry in entries if "flooded" in entry["message"]]
    assert len(told) == 6
    assert (told[0]["action"], told[0]["status"], told[0]["address"]) == (
        "login",
        "failure",
        address["X-Forwarded-For"],
    )
    assert "too many attempts" in told[0]["message"]


def test_attempts_are_in_the_audit_trail_and_passwords_nowhere(served: Any) -> None:
    add_user(served, "abe")
    log_in(served, "abe", "a wrong password")
    token = token_of(served, "abe")
    entries = served.api("GET", "/api/audit?limit=10").json()["entries"]
    logins = [entry for entry in entries if entry["action"] == "login"][:2]
    assert [(entry["status"], entry["user"]) for entry in logins] == [("success", "abe"), ("failure", "anonymous")]
    assert all(entry["address"].startswith("fd00::") for entry in logins)
    trail = "".join(path.read_text() for path in (served.directory / "state" / "audit").glob("*.jsonl"))
    for secret in (PASSWORD, "a wrong password", token, token.rpartition(".")[2]):
        assert secret not in trail + served.log
