"""People of a served site: users in its self.db, and what they log in with."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from functools import cache
from itertools import count
from typing import Any

import httpx
import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from conduit.identity.door import Door
from conduit.identity.numbers import number_of
from conduit.identity.one_key import OneKey
from conduit.identity.passwords import Passwords
from conduit.manifests.settings_file import read_settings
from conduit.providers.self_rows import Grant, User
from conduit.providers.self_store import SelfStore, open_store

BEHIND_A_PROXY = {"trusted_proxies": ["127.0.0.1"]}
"""The settings `api` of a site that trusts who forwards to it, so that each request may come from elsewhere."""
PASSWORD = "correct horse battery"
VISITORS = count(1)
APPS: dict[str, pyotp.TOTP] = {}


@cache
def hash_of(password: str) -> str:
    return Passwords().hash(password).result()


def store_of(served: Any) -> SelfStore:
    """Return self.db of a site, opened by this process and not by the server."""
    return open_store(read_settings(served.settings_file))


def add_user(served: Any, name: str, role: str = "viewer", *, password: str = PASSWORD, **fields: Any) -> User:
    """Add a user who can log in, or put one back as it was."""
    user = User(name, uuid.uuid4().hex, role=role, password_hash=hash_of(password), **fields)
    with store_of(served).writing() as tables:
        tables.put(user)
    return user


def grant(served: Any, user: str, deployment: str, level: str) -> None:
    with store_of(served).writing() as tables:
        tables.put(Grant(f"{user}-{deployment}", user, deployment, level))


def change_user(served: Any, name: str, **fields: Any) -> None:
    """Change a user as another process does, into its next epoch."""
    with store_of(served).writing() as tables:
        user = tables.find(User, name=name)
        assert user
        tables.put(user._replace(**{"epoch": user.epoch + 1, **fields}))


def far_away() -> dict[str, str]:
    """Return what a trusted proxy says of a visitor whom nobody has seen before."""
    return {"X-Forwarded-For": f"fd00::{next(VISITORS):x}"}


def log_in(served: Any, name: str, password: str = PASSWORD, **fields: Any) -> httpx.Response:
    """Log in as somebody from an address of its own, without any key."""
    body = {"username": name, "password": password, **fields}
    return served.visitor.post("/api/auth/login", json=body, headers=far_away())


def token_of(served: Any, name: str, **fields: Any) -> str:
    answer = log_in(served, name, **fields)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["token"]
    return token


def ask(served: Any, token: str, path: str = "/api/services", method: str = "GET", **options: Any) -> httpx.Response:
    """Send one request with a token or key."""
    headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
    return served.visitor.request(method, path, headers=headers, **options)


def rows(served: Any, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask self.db as any other program would; before there is one it has no rows."""
    if not store_of(served).exists:
        return []
    with closing(sqlite3.connect(f"file:{store_of(served).path}?mode=ro", uri=True)) as connection:
        return connection.execute(query, values).fetchall()


def minted(served: Any, name: str) -> str:
    """Return a token of a user without a login, which would count as an attempt."""
    door = Door(read_settings(served.settings_file), OneKey())
    user = door.store.find(User, name=name)
    assert user
    return door.entry.token(door.sessions.begin(name, user.epoch, "token", "127.0.0.1", "test"), user)


def enrol(served: Any, name: str) -> None:
    """Let a user scan the picture of an authenticator app, and not confirm it yet."""
    made = Door(read_settings(served.settings_file), OneKey()).enrolments.begin(name)
    assert made
    APPS[name] = pyotp.TOTP(made.secret)


def filled(row: dict[str, Any], served: Any) -> Any:
    """Return what a contract row sends, with the code of an app for `$code`, the token for `$bootstrap`."""
    found = row.get("request")
    for name, value in dict(found or {}).items():
        if value == "$code":
            found = {**found, name: APPS[row["as"]].now()}
        elif value == "$bootstrap":
            text = (served.directory / "state" / "bootstrap-token").read_text()
            found = {**found, name: text.split("\n")[0]}
    return found


def declare(served: Any, name: str, role: str = "viewer", deployment: str | None = None) -> None:
    """Create a user over the API who can log in, perhaps with a deployment granted."""
    answer = served.api("POST", "/api/users", {"username": name, "password": PASSWORD, "role": role})
    assert answer.status_code == 201, answer.text
    if deployment:
        body = {"deployment_name": deployment, "access_level": "write"}
        answer = served.api("POST", f"/api/users/{number_of('user', name)}/deployments", body)
        assert answer.status_code == 201, answer.text


def fits(served: Any, name: str, password: str) -> bool:
    """Whether the hash in self.db is that of a password, as argon2's own library says."""
    ((hashed,),) = rows(served, "SELECT password_hash FROM users WHERE name = ?", name) or [("",)]
    try:
        return bool(PasswordHasher().verify(hashed, password))
    except (InvalidHashError, VerificationError):
        return False


def prepare(step: dict[str, Any], served: Any) -> bool:
    """Do what a contract row wants done before; False for what is not about people."""
    match step:
        case {"user": name}:
            add_user(served, name, step.get("role", "operator"))
        case {"key": name, "of": owner}:
            answer = served.api("POST", "/api/apikeys", {"name": name, "user_id": number_of("user", owner)})
            assert answer.status_code == 201, answer.text
        case {"grant": deployment, "of": user}:
            grant(served, user, deployment, "write")
        case {"enrol": name}:
            enrol(served, name)
        case {"declared": name}:
            declare(served, name, step.get("role", "viewer"), step.get("deployment"))
        case {"bootstrap": _}:
            for (name,) in rows(served, "SELECT name FROM users WHERE role = 'admin'"):
                change_user(served, name, password_hash="")
            assert served.conduit("token").code == 0
        case {"session": name}:
            minted(served, name)
        case _:
            return False
    return True


def spelled(path: str, served: Any) -> str:
    """Return a path with numbers for `$key-NAME` and `$user-NAME`, and the id of a session for `$session-USER`."""
    if "$" not in path:
        return path
    for (name,) in rows(served, "SELECT name FROM users ORDER BY length(name) DESC"):
        path = path.replace(f"$user-{name}", str(number_of("user", name)))
    for name, own in rows(served, "SELECT name, id FROM keys"):
        path = path.replace(f"$key-{name}", str(number_of("key", own)))
    for user, hashed in rows(served, "SELECT user, hash FROM sessions"):
        path = path.replace(f"$session-{user}", hashed[:16])
    return path
