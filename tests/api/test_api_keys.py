"""API keys: what they may do, what they may never do, and how they end."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx
import pytest
from api_world import KEY, make_served
from people_world import BEHIND_A_PROXY, PASSWORD, add_user, ask, change_user, grant, minted, rows, store_of

from conduit.identity.numbers import number_of
from conduit.providers.self_rows import ApiKey, User
from conduit.sandbox.machine import wait_for

API = BEHIND_A_PROXY


def make(served: Any, who: str, status: int = 201, **fields: Any) -> dict[str, Any]:
    """Let somebody make a key, and return the answer."""
    answer = ask(served, minted(served, who), "/api/apikeys", "POST", json={"name": f"{who}-key", **fields})
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_key_is_told_once_and_kept_as_its_hash(served: Any) -> None:
    add_user(served, "kai", "operator")
    made = make(served, "kai")
    assert made["api_key"]["key"] == made["key"]
    assert made["key"].startswith(made["key_prefix"].removesuffix("..."))
    assert rows(served, "SELECT hash FROM keys WHERE user = 'kai'") == [
        (hashlib.sha256(made["key"].encode()).hexdigest(),)
    ]
    token = minted(served, "kai")
    for path in ("/api/apikeys", f"/api/apikeys/{made['id']}"):
        assert made["key"] not in ask(served, token, path).text
    assert made["key"] not in served.api("GET", "/api/audit").text + served.log
    assert made["key"].encode() not in b"".join(
        path.read_bytes() for path in store_of(served).path.parent.glob("self.db*")
    )


def test_a_key_fits_in_each_way_it_may_be_shown(served: Any) -> None:
    add_user(served, "lou", "operator")
    key = make(served, "lou")["key"]
    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}, {"Authorization": f"apikey {key}"}):
        assert served.visitor.get("/api/services", headers=headers).status_code == 200
    for wrong in (key[:-1], key + "x", key.swapcase(), f"{key[:20]}{'A' * 42}"):
        assert ask(served, wrong).status_code == 401


def test_a_use_is_noted_with_its_time_and_place(served: Any) -> None:
    add_user(served, "max", "operator")
    key = make(served, "max")["key"]
    assert ask(served, key, headers={"X-Forwarded-For": "10.9.9.9"}).status_code == 200
    noted = "SELECT used_at > created_at, used_address FROM keys WHERE user = 'max'"
    wait_for(lambda: rows(served, noted) == [(1, "10.9.9.9")], "the use is noted")


def test_a7_a_key_never_has_more_than_its_owner_at_that_moment(served: Any) -> None:
    add_user(served, "ned", "operator")
    key, exact = make(served, "ned")["key"], make(served, "ned", permissions=["dns:write"])["key"]
    assert ask(served, key, "/api/dns/flush", "POST").status_code == 200
    assert ask(served, exact, "/api/dns/flush", "POST").status_code == 200
    change_user(served, "ned", role="viewer")
    assert ask(served, key, "/api/dns/flush", "POST").status_code == 403
    assert ask(served, exact, "/api/dns/flush", "POST").status_code == 403
    assert ask(served, key).status_code == 200
    change_user(served, "ned", active=False)
    assert ask(served, key).status_code == 401
    change_user(served, "ned", active=True)
    with store_of(served).writing() as tables:
        tables.delete(User, name="ned")
    assert ask(served, key).status_code == 401


def test_a_key_may_be_narrower_than_its_owner(served: Any) -> None:
    add_user(served, "oda", "admin")
    viewer = make(served, "oda", role="viewer")["key"]
    assert ask(served, viewer).status_code == 200
    assert ask(served, viewer, "/api/dns/flush", "POST").status_code == 403
    assert ask(served, viewer, "/api/audit").status_code == 403
    one = make(served, "oda", permissions=["dns:read"])["key"]
    assert ask(served, one, "/api/dns").status_code == 200
    assert ask(served, one).status_code == 403
    here = make(served, "oda", addresses=["10.1.0.0/16"])["key"]
    assert ask(served, here, headers={"X-Forwarded-For": "10.1.2.3"}).status_code == 200
    assert ask(served, here, headers={"X-Forwarded-For": "10.2.2.3"}).status_code == 401


def test_a7_a_key_for_some_deployments_makes_nobody_who_reaches_more(served: Any) -> None:
    add_user(served, "ora", "admin")
    key = make(served, "ora", deployments=["one-app"])["key"]
    assert ask(served, key, "/api/users").status_code == 200
    body = {"username": "more", "password": PASSWORD, "role": "admin"}
    assert ask(served, key, "/api/users", "POST", json=body).status_code == 403
    native = {"If-None-Match": "*"}
    wider = {"user": "ora", "deployment": "two-app", "level": "admin"}
    for kind, fields in (("user", {"role": "admin"}), ("grant", wider)):
        answer = ask(served, key, f"/api/resources/{kind}/more", "PUT", json=fields, headers=native)
        assert answer.status_code == 403, answer.text
    assert ask(served, key, "/api/resources/deployment/two-app").status_code == 404
    assert rows(served, "SELECT count(*) FROM users WHERE name = 'more'") == [(0,)]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"role": "admin"}, 403),
        ({"permissions": ["users:write"]}, 403),
        ({"permissions": ["docker:dangerous"]}, 403),
        ({"deployments": ["others-app"]}, 403),
        ({"role": "made-up"}, 403),
        ({"user_id": number_of("user", "somebody")}, 403),
        ({"permissions": ["everything"]}, 400),
        ({"permissions": "dns:read"}, 400),
        ({"deployments": {"a": "owner"}}, 400),
        ({"expires_in": -1}, 400),
        ({"expires_in": "soon"}, 400),
        ({"addresses": ["10.0.0.1/8"]}, 400),
        ({"name": ""}, 400),
        ({"name": "x" * 200}, 400),
    ],
    ids=str,
)
def test_a7_a_key_beyond_its_owner_is_not_made(served: Any, fields: dict[str, Any], status: int) -> None:
    add_user(served, "pia", "operator")
    grant(served, "pia", "own-app", "write")
    before = rows(served, "SELECT count(*) FROM keys")
    body = make(served, "pia", status, is_admin=True, admin=True, **fields)
    assert body["error"]
    assert rows(served, "SELECT count(*) FROM keys") == before


def test_a7_a_key_manages_no_keys_and_no_sessions(served: Any) -> None:
    add_user(served, "quin", "admin")
    made = make(served, "quin")
    number, key = made["id"], made["key"]
    login = served.visitor.post("/api/auth/login", json={"api_key": key}).json()["token"]
    for shown in (key, login):
        assert ask(served, shown, "/api/apikeys", "POST", json={"name": "more"}).status_code == 403
        assert ask(served, shown, f"/api/apikeys/{number}", "DELETE").status_code == 403
        assert ask(served, shown, f"/api/apikeys/{number}/revoke", "POST").status_code == 403
        assert ask(served, shown, "/api/auth/sessions", "DELETE").status_code == 403
        assert ask(served, shown, "/api/auth/totp", "POST", json={"password": "any"}).status_code == 403
    assert rows(served, "SELECT active FROM keys WHERE user = 'quin'") == [(1,)]
    newest = served.acted()
    assert newest["status"] == "failure"


def test_keys_of_others_are_out_of_reach(served: Any) -> None:
    add_user(served, "rex", "operator")
    add_user(served, "sam", "operator")
    number = make(served, "rex")["id"]
    stranger = minted(served, "sam")
    assert number not in [key["id"] for key in ask(served, stranger, "/api/apikeys").json()["api_keys"]]
    assert ask(served, stranger, f"/api/apikeys/{number}").status_code == 403
    assert ask(served, stranger, f"/api/apikeys/{number}", "DELETE").status_code == 403
    assert ask(served, stranger, f"/api/apikeys/{number}/revoke", "POST").status_code == 403
    assert ask(served, stranger, "/api/apikeys/12345").status_code == 404
    assert ask(served, stranger, "/api/apikeys/x").status_code == 400
    assert number in [key["id"] for key in served.api("GET", "/api/apikeys").json()["api_keys"]]
    assert served.api("GET", f"/api/apikeys/{number}").status_code == 200


@pytest.mark.parametrize("ending", ["revoke", "delete", "expire", "another process"])
def test_a6_a_key_and_its_sessions_end_at_once(served: Any, ending: str) -> None:
    name = f"end-{ending.split()[0]}"
    add_user(served, name, "operator")
    made = make(served, name)
    login = httpx.post(
        f"{served.url}/api/auth/login", json={"api_key": made["key"]}, headers={"X-Forwarded-For": "10.3.3.3"}
    )
    token = login.json()["token"]
    assert ask(served, token).status_code == 200
    number = made["id"]
    if ending == "revoke":
        assert ask(served, minted(served, name), f"/api/apikeys/{number}/revoke", "POST").status_code == 200
    elif ending == "delete":
        assert ask(served, minted(served, name), f"/api/apikeys/{number}", "DELETE").status_code == 200
    elif ending == "another process":
        assert served.conduit("key", "revoke", made["key_id"]).code == 0
    else:
        with store_of(served).writing() as tables:
            key = tables.find(ApiKey, id=made["key_id"])
            assert key
            tables.put(key._replace(expires_at=1.0))
    assert ask(served, made["key"]).status_code == 401
    assert ask(served, token).status_code == 401


def test_the_key_of_the_environment_makes_keys_for_users_alone(served: Any) -> None:
    add_user(served, "tia", "viewer")
    assert served.api("POST", "/api/apikeys", {"name": "mine"}).status_code == 401
    assert served.api("POST", "/api/apikeys", {"name": "theirs", "user_id": 1}).status_code == 404
    made = served.api("POST", "/api/apikeys", {"name": "theirs", "user_id": number_of("user", "tia"), "expires_in": 0})
    assert made.status_code == 201
    assert made.json()["expires_at"] is None
    assert ask(served, made.json()["key"], "/api/dns/flush", "POST").status_code == 403


def test_root_lists_and_revokes_keys_on_the_machine(served: Any) -> None:
    add_user(served, "una", "operator")
    made = make(served, "una")
    listed = json.loads(served.conduit("key", "list", "--user", "una", "--json").stdout)
    assert [(key["id"], key["usable"]) for key in listed["keys"]] == [(made["key_id"], True)]
    assert served.conduit("key", "revoke", made["key_id"]).code == 0
    assert ask(served, made["key"]).status_code == 401
    unknown = served.conduit("key", "revoke", "AAAAAAAA")
    assert (unknown.code, "CND-2305" in unknown.stderr) == (1, True)


def test_a_limit_counts_each_key_wherever_it_is_shown_from() -> None:
    with make_served(reads_per_minute=20, **BEHIND_A_PROXY) as site:
        statuses = [
            ask(site, KEY, headers={"X-Forwarded-For": f"10.0.0.{number}"}).status_code for number in range(1, 26)
        ]
        assert statuses.count(200) <= 20
        assert statuses[-1] == 429
        fresh = ask(site, "another key", headers={"X-Forwarded-For": "10.0.0.99"})
        assert fresh.status_code == 401, "neither the address nor the key is over its limit"
