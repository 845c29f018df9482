"""The second factor over the API: enrolled with the password, confirmed by a code, and then needed."""

from __future__ import annotations

import time
from typing import Any

import pyotp
from people_world import BEHIND_A_PROXY, PASSWORD, add_user, ask, log_in, minted, rows, store_of

API = BEHIND_A_PROXY


def enrolled(served: Any, name: str) -> tuple[str, pyotp.TOTP, list[str]]:
    """Add a user, enrol an app and confirm it with the code of a moment ago, so that this one's is still good."""
    add_user(served, name, "operator")
    token = minted(served, name)
    made = ask(served, token, "/api/auth/totp", "POST", json={"password": PASSWORD})
    assert made.status_code == 200, made.text
    app = pyotp.parse_uri(made.json()["uri"])
    assert isinstance(app, pyotp.TOTP)
    assert log_in(served, name).status_code == 200, "an app that is not confirmed is not asked for"
    earlier = app.at(time.time() - 30)
    codes = ask(served, token, "/api/auth/totp/confirm", "POST", json={"totp": earlier})
    assert codes.status_code == 200, codes.text
    return token, app, codes.json()["recovery_codes"]


def test_with_an_app_the_password_alone_does_not_do(served: Any) -> None:
    _, app, _ = enrolled(served, "ari")
    bare = log_in(served, "ari")
    assert (bare.status_code, bare.json()["code"], bare.json()["field"]) == (401, "CND-2304", "totp")
    assert log_in(served, "ari", totp="000000").status_code == 401
    code = app.now()
    assert log_in(served, "ari", totp=code).status_code == 200
    assert log_in(served, "ari", totp=code).status_code == 401, "each code counts once"
    wrong = log_in(served, "ari", "a wrong password")
    assert "code" not in wrong.json() or wrong.json()["code"] != "CND-2304", "without the password it does not show"


def test_a_recovery_code_does_once(served: Any) -> None:
    _, _, codes = enrolled(served, "bea")
    assert len(codes) == 10
    assert log_in(served, "bea", totp=codes[0]).status_code == 200
    assert log_in(served, "bea", totp=codes[0]).status_code == 401
    ((kept,),) = rows(served, "SELECT recovery_hashes FROM users WHERE name = 'bea'")
    assert kept.count('"') == 18
    assert not any(code in kept for code in codes)


def test_the_shared_secret_is_nowhere_in_clear(served: Any) -> None:
    _, app, codes = enrolled(served, "cyd")
    assert log_in(served, "cyd", "a wrong password", totp=codes[0]).status_code == 401, "and the code is still good"
    files = [*store_of(served).path.parent.glob("self.db*"), *(served.directory / "state" / "audit").glob("*.jsonl")]
    kept = b"".join(path.read_bytes() for path in files) + served.log.encode()
    for secret in (app.secret, *codes):
        assert secret.encode() not in kept


def test_it_takes_the_password_to_enrol_and_a_code_to_remove(served: Any) -> None:
    token, _, codes = enrolled(served, "dov")
    again = ask(served, token, "/api/auth/totp", "POST", json={"password": PASSWORD})
    assert again.status_code == 409
    assert ask(served, token, "/api/auth/totp/remove", "POST", json={"password": "another password"}).status_code == 401
    assert ask(served, token, "/api/auth/totp/remove", "POST", json={"password": PASSWORD}).status_code == 401
    removed = ask(served, token, "/api/auth/totp/remove", "POST", json={"password": PASSWORD, "totp": codes[1]})
    assert removed.status_code == 200
    assert log_in(served, "dov").status_code == 200
    add_user(served, "eve")
    assert ask(served, minted(served, "eve"), "/api/auth/totp", "POST", json={"password": "a guess"}).status_code == 401
    assert rows(served, "SELECT totp_secret FROM users WHERE name = 'eve'") == [("",)]


def test_root_takes_a_lost_app_away(served: Any) -> None:
    enrolled(served, "fay")
    assert served.conduit("user", "unenrol", "fay").code == 0
    assert log_in(served, "fay").status_code == 200
