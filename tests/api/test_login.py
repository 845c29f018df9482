"""Logging in: with a password, a key, a second factor, into a token or a cookie; and how a session ends."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any

import httpx
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
from conduit.providers.self_rows import Session, User

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


def _cookie_of(answer: httpx.Response) -> str:
    return answer.headers["set-cookie"].partition("=")[2].partition(";")[0]


def _ends(served: Any, token: str) -> bool:
    return ask(served, token).status_code == 401


ENDINGS: dict[str, Callable[[Any, str, str], Any]] = {
    "logout": lambda served, name, token: ask(served, token, "/api/auth/logout", "POST"),
    "password": lambda served, name, token: change_user(served, name, password_hash="another"),
    "role": lambda served, name, token: change_user(served, name, role="auditor"),
    "disabled": lambda served, name, token: change_user(served, name, active=False, epoch=0),
    "deleted": lambda served, name, token: _delete(served, name),
}


def _delete(served: Any, name: str) -> None:
    with store_of(served).writing() as tables:
        tables.delete(User, name=name)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a6_a_token_ends_at_once_when_what_it_relied_on_changed(served: Any, ending: str) -> None:
    name = f"end-{ending}"
    add_user(served, name)
    token = token_of(served, name)
    assert ask(served, token).status_code == 200
    ENDINGS[ending](served, name, token)
    assert _ends(served, token)


def test_a6_a_user_who_is_made_anew_is_another_one(served: Any) -> None:
    add_user(served, "twice")
    token = token_of(served, "twice")
    _delete(served, "twice")
    add_user(served, "twice", epoch=1)
    assert _ends(served, token)


def test_a_cookie_is_for_browsers_of_this_site_alone(served: Any) -> None:
    add_user(served, "una", "operator")
    answer = log_in(served, "una", cookie=True)
    told, cookie = answer.json(), answer.headers["set-cookie"]
    assert (told["token"], told["token_type"]) == ("", "Cookie")
    assert cookie.startswith("__Host-conduit=")
    parts = {part.strip().lower().partition("=")[0] for part in cookie.split(";")[1:]}
    assert {"path", "max-age", "samesite", "secure", "httponly"} == parts
    assert "samesite=strict" in cookie.lower()
    assert "Path=/" in cookie
    value = _cookie_of(answer)
    shown = {"Cookie": f"__Host-conduit={value}"}
    assert served.visitor.get("/api/services", headers=shown).status_code == 200
    ours = {**shown, "Origin": served.url}
    assert served.visitor.post("/api/dns/flush", headers=shown).status_code == 403
    assert served.visitor.post("/api/dns/flush", headers={**shown, "Origin": "https://evil.example"}).status_code == 403
    assert served.visitor.post("/api/dns/flush", headers=ours).status_code == 200
    assert ask(served, value).status_code == 401, "a cookie's value is no token"
    gone = served.visitor.post("/api/auth/logout", headers=ours)
    assert gone.status_code == 200
    assert "max-age=0" in gone.headers["set-cookie"].lower()
    assert served.visitor.get("/api/services", headers=shown).status_code == 401


def test_nobody_is_logged_in_from_another_site(served: Any) -> None:
    add_user(served, "vic")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        body = {"username": "vic", "password": PASSWORD, "cookie": True}
        answer = served.visitor.post("/api/auth/login", json=body, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


def test_an_idle_browser_is_logged_out_and_a_sixth_one_ends_the_first(served: Any) -> None:
    add_user(served, "wes")
    values = [
        log_in(served, "wes", cookie=True).headers["set-cookie"].partition("=")[2].partition(";")[0] for _ in range(5)
    ]
    with store_of(served).writing() as tables:
        for number, value in enumerate(values):
            session = tables.find(Session, hash=sha256(value.encode()).hexdigest())
            assert session
            tables.put(session._replace(used_at=session.used_at - (1801 if number == 4 else 100 - number)))

    def status(value: str) -> int:
        return served.visitor.get("/api/services", headers={"Cookie": f"__Host-conduit={value}"}).status_code

    assert status(values[4]) == 401, "half an hour idle"
    add_user(served, "wes-2")
    with store_of(served).writing() as tables:
        for session in tables.rows(Session, user="wes"):
            tables.put(session._replace(user="wes-2"))
    log_in(served, "wes-2", cookie=True)
    assert rows(served, "SELECT count(*) FROM sessions WHERE user = 'wes-2'") == [(5,)]


def test_a_session_from_the_future_or_past_its_end_is_over(served: Any) -> None:
    add_user(served, "xia")
    token = token_of(served, "xia")
    for shift in ({"created_at": time.time() + 3600}, {"expires_at": time.time() - 1}):
        with store_of(served).writing() as tables:
            (session,) = tables.rows(Session, user="xia")
            tables.put(session._replace(**shift))
        assert _ends(served, token)
        with store_of(served).writing() as tables:
            tables.put(session)
    assert ask(served, token).status_code == 200


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
