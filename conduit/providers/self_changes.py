"""What a change does to the tables of self.db; each function works inside a transaction of its caller."""

from __future__ import annotations

import secrets

from conduit.change import Change
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.model import Key
from conduit.providers.base import Site
from conduit.providers.self_objects import SORTS, Declared, changed, label_of, moved_on, put_back, sealed
from conduit.providers.self_rows import ApiKey, Grant, Role, Session, Task, User
from conduit.providers.self_tables import Tables

ROTATED = Code(
    "CND-2402",
    "a secret changed while it was applied",
    "The password of a user comes from a stored secret, and that was set anew between the plan and the apply. The user "
    "was left as it was. Apply again.",
)


def hash_of(change: Change, site: Site) -> str:
    """Return the hash of the password that a user's secret holds, empty when the row has it already or needs none.

    Raises `ConduitError` for a secret that is not stored, is no fit password, or is not the one that was planned.
    """
    label = change.native.get("password") if change.key.kind == "user" else ""
    if not label or change.want is None or (change.live and change.live.native["password"] == label):
        return ""
    name = change.want.spec.password.name
    value = site.secret(name)
    if site.fingerprint(value) != label:
        raise ConduitError(Diagnostic(ROTATED, f'secret "{name}" was set anew meanwhile', hint="apply again"))
    return site.hashed(value)


def put(change: Change, hashed: str, site: Site, tables: Tables) -> None:
    """Make a row what a change wants; `hashed` is the password a user gets, empty for the one that is there."""
    before = tables.find(SORTS[change.key.kind], name=change.key.name) or _new(change.key, site.now())
    after = changed(before, change, site.mark)
    if isinstance(before, User) and isinstance(after, User):
        after = moved_on(before, _with_password(after, change.native["password"], hashed, site), site.now())
    if isinstance(after, Task) and after != before:
        after = after._replace(since=site.now())
    tables.put(after)
    if isinstance(after, Role) and after != before:
        _next_epoch(after.name, site.now(), tables)


def delete(key: Key, own: str, tables: Tables) -> None:
    """Delete a row, if it is still the one that was read; with a user go sessions and keys."""
    sort = SORTS[key.kind]
    identity = {"uid": own} if sort is User else {}
    if not tables.delete(sort, name=key.name, **identity):
        return
    if sort is User:
        tables.delete(Session, user=key.name)
        tables.delete(ApiKey, user=key.name)


def restore(key: Key, before: Declared | None, site: Site, tables: Tables) -> None:
    """Let a row be what it was before; what is new goes."""
    row = tables.find(SORTS[key.kind], name=key.name)
    if row is None or before is None:
        if before is not None:
            tables.put(before)
        elif row is not None:
            tables.delete(type(row), name=key.name)
        return
    after = put_back(row, before)
    tables.put(moved_on(row, after, site.now()) if isinstance(row, User) and isinstance(after, User) else after)


def set_password(name: str, hashed: str, site: Site, tables: Tables) -> None:
    """Give a user another password by its hash; no secret stands for it any more."""
    user = tables.find(User, name=name)
    if user is not None:
        after = user._replace(password_hash=hashed, password_secret="", password_set_at=site.now())
        tables.put(moved_on(user, after, site.now()))


def end_sessions(name: str, tables: Tables) -> int:
    """End every session of a user, also those that only a token knows, and return how many were kept."""
    user = tables.find(User, name=name)
    if user is not None:
        tables.put(user._replace(epoch=user.epoch + 1))
    return tables.delete(Session, user=name)


def _new(key: Key, now: float) -> Declared:
    """Return the row of something that is not there yet."""
    if key.kind == "user":
        return User(key.name, secrets.token_hex(16), created_at=now)
    if key.kind == "task":
        return Task(key.name)
    return Role(key.name) if key.kind == "role" else Grant(key.name, "", "", "", created_at=now)


def _with_password(user: User, label: str, hashed: str, site: Site) -> User:
    """Return a user with the password that is declared; one that is not declared any more goes with its secret."""
    if hashed:
        secret = sealed(user.name, label, hashed, site.fingerprint)
        return user._replace(password_hash=hashed, password_secret=secret, password_set_at=site.now())
    if label_of(user, site.fingerprint) == label:
        return user
    return user._replace(password_hash="", password_secret="", password_set_at=None)


def _next_epoch(role: str, now: float, tables: Tables) -> None:
    """Let those who have a role that changed log in again."""
    for user in tables.rows(User, role=role):
        tables.put(user._replace(epoch=user.epoch + 1, updated_at=now))
