"""Attacks on logging in: guessing, forged and revived tokens, other spellings, and a self.db that cannot be read."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import jwt
from api_world import make_served
from people_world import BEHIND_A_PROXY, PASSWORD, add_user, ask, change_user, log_in, minted, rows, store_of

from conduit.identity.key_format import make_key
from conduit.providers.self_rows import ApiKey


def attempt(served: Any, name: str, password: str = "a wrong password", **headers: str) -> int:
    body = {"username": name, "password": password}
    return served.visitor.post("/api/auth/login", json=body, headers=headers, timeout=60).status_code


def test_a10_guesses_are_held_by_account_and_by_address_whatever_a_header_says(served: Any) -> None:
    add_user(served, "ann")
    statuses = [attempt(served, "ann", **{"X-Forwarded-For": f"10.0.0.{number}"}) for number in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert attempt(served, "ann", PASSWORD) == 429, "not even with the password"
    others = [attempt(served, f"user-{number}", **{"X-Forwarded-For": f"10.0.1.{number}"}) for number in range(20)]
    assert others.count(401) <= 15
    assert others[-1] == 429
    answer = served.visitor.post("/api/auth/login", json={"username": "bob", "password": PASSWORD})
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert served.api("GET", "/api/ping").status_code == 200


def test_a2_every_spelling_of_a_path_asks_who_is_there(served: Any) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        for path in (
            "/api/apikeys",
            "/api/apikeys/",
            "//api/apikeys",
            "/api/./apikeys",
            "/api/%61pikeys",
            "/api/auth/../apikeys",
        ):
            status = httpx.request(method, served.url + path).status_code
            assert status in (401, 404, 405), (method, path, status)
    for header in ("X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL"):
        asked = {header: "/api/auth/status"}
        assert served.visitor.get("/api/apikeys", headers=asked).status_code == 401


def forged(served: Any) -> dict[str, str]:
    """Return forgeries of a token that is good."""
    token = minted(served, "cat")
    claims = jwt.decode(token, options={"verify_signature": False})
    head, body, signature = token.split(".")
    return {
        "none": jwt.encode(claims, None, "none"),
        "another key": jwt.encode(claims, "conduit" * 8, "HS256"),
        "no signature": f"{head}.{body}.",
        "another's claims": f"{head}.{jwt.encode({**claims, 'username': 'admin'}, 'x' * 32).split('.')[1]}.{signature}",
        "kid": jwt.encode(claims, "x" * 32, "HS256", headers={"kid": "../../dev/null"}),
        "long": f"{head}.{'A' * 12000}.{signature}",
        "a key that is none": make_key().text,
    }


def test_a5_forged_tokens_are_worth_nothing(served: Any) -> None:
    add_user(served, "cat", "admin")
    assert ask(served, minted(served, "cat")).status_code == 200
    for what, token in forged(served).items():
        assert ask(served, token).status_code == 401, what
        assert ask(served, token, "/api/auth/validate").status_code == 401, what


def test_a_header_goes_before_a_cookie(served: Any) -> None:
    add_user(served, "dan", "admin")
    shown = {"Cookie": "__Host-conduit=anything", "X-API-Key": "wrong"}
    assert served.visitor.get("/api/services", headers=shown).status_code == 401


def test_a6_what_a_backup_brings_back_is_not_revived(served: Any) -> None:
    add_user(served, "eli", "operator")
    ended, kept = minted(served, "eli"), make_key()
    with store_of(served).writing() as tables:
        tables.put(ApiKey(kept.id, kept.hash, "eli", "ci"))
    copy = served.directory / "backup.db"
    with closing(sqlite3.connect(store_of(served).path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    assert ask(served, ended, "/api/auth/logout", "POST").status_code == 200
    assert served.conduit("key", "revoke", kept.id).code == 0
    assert served.stop() in (0, 143)
    for path in store_of(served).path.parent.glob("self.db*"):
        path.unlink()
    shutil.copy(copy, store_of(served).path)
    store_of(served).path.chmod(0o600)
    served.serve()
    assert rows(served, "SELECT count(*) FROM sessions WHERE user = 'eli'") == [(1,)], "the backup has it"
    assert ask(served, ended).status_code == 401
    assert ask(served, kept.text).status_code == 401
    assert ask(served, minted(served, "eli")).status_code == 200, "who logs in now is let in"


def test_w6_a_stream_ends_when_its_session_does(served: Any) -> None:
    add_user(served, "fin", "operator")
    headers = {"Authorization": f"Bearer {minted(served, 'fin')}"}
    with httpx.stream("GET", f"{served.url}/api/events", headers=headers, timeout=40) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": conduit"
        change_user(served, "fin", active=False)
        for _ in lines:  # until the server closes it, or the test's own time is over
            pass


def test_a8_a_self_db_that_cannot_be_read_lets_nobody_in(served: Any) -> None:
    add_user(served, "gus", "admin")
    token, path = minted(served, "gus"), store_of(served).path
    content = path.read_bytes()
    for damage in (lambda: path.chmod(0o644), lambda: path.rename(path.with_name("away")) and path.mkdir()):
        damage()
        try:
            for shown in (token, make_key().text, "anything"):
                assert ask(served, shown).status_code == 503
                assert ask(served, shown, "/api/dns/flush", "POST").status_code == 503
            assert served.visitor.get("/api/services").status_code == 401
            assert served.api("GET", "/api/ping").status_code == 200
            assert served.api("GET", "/api/services").status_code == 200, "the key of the environment needs no self.db"
        finally:
            if path.is_dir():
                path.rmdir()
                path.with_name("away").rename(path)
            path.chmod(0o600)
    assert path.read_bytes() == content
    assert ask(served, token).status_code == 200


def test_a8_whoever_holds_self_db_up_holds_up_nobody_else(served: Any) -> None:
    add_user(served, "hal")
    token = minted(served, "hal")
    with closing(sqlite3.connect(store_of(served).path)) as holder, ThreadPoolExecutor(8) as crowd:
        holder.execute("BEGIN EXCLUSIVE")
        waiting = [crowd.submit(ask, served, token) for _ in range(8)]
        for path in ("/api/ping", "/api/services", "/api/dns"):
            assert served.api("GET", path).status_code == 200
        assert not any(each.done() for each in waiting)
        holder.rollback()
        assert {each.result().status_code for each in waiting} <= {200, 503}
    assert ask(served, token).status_code == 200


def test_a10_a_crowd_of_logins_leaves_everything_else_quick() -> None:
    with make_served(**BEHIND_A_PROXY) as site:
        for number in range(40):
            add_user(site, f"user-{number}")
        stop = threading.Event()
        answered: list[int] = []

        def read() -> None:
            while not stop.is_set():
                answered.append(site.api("GET", "/api/services").status_code)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            with ThreadPoolExecutor(40) as crowd:
                answers = list(crowd.map(lambda number: log_in(site, f"user-{number % 40}"), range(160)))
        finally:
            stop.set()
            reader.join()
        statuses = [each.status_code for each in answers]
        assert all(each.headers["retry-after"] for each in answers if each.status_code == 503)
        assert set(statuses) <= {200, 503}, "turned away in a crowd, and never refused for being many"
        assert statuses.count(200) >= 40
        assert set(answered) == {200}
        assert len(answered) > len(statuses), "reads go on between the hashes"
