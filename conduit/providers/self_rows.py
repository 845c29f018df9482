"""What self.db holds, one type for each of its tables. Times are seconds since the epoch; None is never. Pure.

An empty text stands for what is not there: no hash, no mark, no role.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from sqlite3 import DatabaseError
from typing import Any, Final, NamedTuple, TypeVar, get_args, get_type_hints

FIRST: Final = """
CREATE TABLE users (
    name TEXT PRIMARY KEY, uid TEXT NOT NULL, email TEXT NOT NULL, role TEXT NOT NULL, permissions TEXT NOT NULL,
    active INTEGER NOT NULL, mark TEXT NOT NULL, password_hash TEXT NOT NULL, password_secret TEXT NOT NULL,
    password_set_at REAL, totp_secret TEXT NOT NULL, totp_confirmed INTEGER NOT NULL, recovery_hashes TEXT NOT NULL,
    created_at REAL NOT NULL, updated_at REAL NOT NULL, last_login_at REAL, epoch INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE roles (name TEXT PRIMARY KEY, permissions TEXT NOT NULL, mark TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE grants (
    name TEXT PRIMARY KEY, user TEXT NOT NULL, deployment TEXT NOT NULL, level TEXT NOT NULL, mark TEXT NOT NULL,
    granted_by TEXT NOT NULL, created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX grants_of_user ON grants (user);
CREATE TABLE sessions (
    hash TEXT PRIMARY KEY, user TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, created_at REAL NOT NULL,
    used_at REAL NOT NULL, expires_at REAL NOT NULL, address TEXT NOT NULL, agent TEXT NOT NULL, epoch INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (user);
CREATE TABLE keys (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL, description TEXT NOT NULL,
    prefix TEXT NOT NULL, role TEXT NOT NULL, permissions TEXT NOT NULL, deployments TEXT NOT NULL,
    addresses TEXT NOT NULL, expires_at REAL, used_at REAL, used_address TEXT NOT NULL, active INTEGER NOT NULL,
    created_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX keys_of_user ON keys (user);
CREATE TABLE changes (number INTEGER NOT NULL);
INSERT INTO changes VALUES (0);
"""
TASKED: Final = """
CREATE TABLE IF NOT EXISTS tasks (
    name TEXT PRIMARY KEY, schedule TEXT NOT NULL, timezone TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL,
    run_as TEXT NOT NULL, enabled INTEGER NOT NULL, mark TEXT NOT NULL, since REAL NOT NULL, ran_at REAL,
    result TEXT NOT NULL, reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS beats (name TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
"""
STEPS: Final = (FIRST, TASKED)
"""What makes the schema, version by version; those after the first may be carried out again."""
VERSION: Final = len(STEPS)
"""The version of the schema, kept as the database's user_version."""


class User(NamedTuple):
    """Somebody who may log in. `epoch` rises with each change after which older sessions must not go on.

    `password_secret` is the fingerprint of the stored secret that the password came from, empty for one that was set by
    an operation. `totp_secret` is encrypted.
    """

    name: str
    uid: str
    email: str = ""
    role: str = ""
    permissions: tuple[str, ...] = ()
    active: bool = True
    mark: str = ""
    password_hash: str = ""
    password_secret: str = ""
    password_set_at: float | None = None
    totp_secret: str = ""
    totp_confirmed: bool = False
    recovery_hashes: tuple[str, ...] = ()
    created_at: float = 0.0
    updated_at: float = 0.0
    last_login_at: float | None = None
    epoch: int = 0


class Role(NamedTuple):
    """A declared role and what it permits."""

    name: str
    permissions: tuple[str, ...] = ()
    mark: str = ""


class Grant(NamedTuple):
    """What a user may do with one deployment: read, write or admin."""

    name: str
    user: str
    deployment: str
    level: str
    mark: str = ""
    granted_by: str = ""
    created_at: float = 0.0


class Task(NamedTuple):
    """A scheduled operation. `since` is the last instant that was taken, or when it was declared: none before counts.

    `ran_at`, `result` and `reason` are of the last time: begun, denied, or how the operation ended.
    """

    name: str
    schedule: str = ""
    timezone: str = ""
    action: str = ""
    subject: str = ""
    run_as: str = ""
    enabled: bool = True
    mark: str = ""
    since: float = 0.0
    ran_at: float | None = None
    result: str = ""
    reason: str = ""


class Beat(NamedTuple):
    """The last sign of life of what works on its own, such as the scheduler."""

    name: str
    at: float


class Session(NamedTuple):
    """One log-in, known by the hash of what its owner shows. `kind` is token or cookie.

    `key` is the id of the API key it was made with, empty for a password: it never permits more than that key.
    """

    hash: str
    user: str
    key: str
    kind: str
    created_at: float
    used_at: float
    expires_at: float
    address: str = ""
    agent: str = ""
    epoch: int = 0


class ApiKey(NamedTuple):
    """A key for programs. `role` and `permissions` narrow its owner's, `deployments` too, name -> level; empty: all."""

    id: str
    hash: str
    user: str
    name: str
    description: str = ""
    prefix: str = ""
    role: str = ""
    permissions: tuple[str, ...] = ()
    deployments: Mapping[str, str] = {}
    addresses: tuple[str, ...] = ()
    expires_at: float | None = None
    used_at: float | None = None
    used_address: str = ""
    active: bool = True
    created_at: float = 0.0


Row = User | Role | Grant | Task | Beat | Session | ApiKey
R = TypeVar("R", bound=Row)

TABLES: Final[Mapping[type[Any], str]] = {
    User: "users",
    Role: "roles",
    Grant: "grants",
    Task: "tasks",
    Beat: "beats",
    Session: "sessions",
    ApiKey: "keys",
}
FIELDS: Final = {sort: tuple(get_type_hints(sort).values()) for sort in TABLES}
"""The types of each table's columns."""


def stored(value: Any) -> Any:
    """Return a field as its column has it: lists and mappings as JSON, truth as a number."""
    if isinstance(value, (tuple, Mapping)):
        return json.dumps(value)
    return int(value) if isinstance(value, bool) else value


def row_of(sort: type[R], values: tuple[Any, ...]) -> R:
    """Return a row of a table from its columns. Raises sqlite3.DatabaseError for a list that is no JSON."""
    make: Any = sort._make
    row: R = make(_read(field, value) for field, value in zip(FIELDS[sort], values, strict=True))
    return row


def _read(field: Any, value: Any) -> Any:
    if field is bool:
        return bool(value)
    if field in (str, int, float) or type(None) in get_args(field):
        return value
    try:
        found = json.loads(value)
    except ValueError as error:
        raise DatabaseError(f"a list in it is damaged: {error}") from error
    return tuple(found) if isinstance(found, list) else found
