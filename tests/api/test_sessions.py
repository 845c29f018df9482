"""How a session ends, whatever it relied on, and what a browser's cookie is good for."""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest
from people_world import (
    BEHIND_A_PROXY,
    add_user,
    ask,
    change_user,
    log_in,
    rows,
    store_of,
    token_of,
)

from conduit.providers.self_rows import Session, User

API = BEHIND_A_PROXY


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
