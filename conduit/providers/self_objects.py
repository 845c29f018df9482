"""Rows of self.db as live objects: what of a row is declared, whose it is, and what a change makes of it. Pure.

A password that comes from a stored secret is known by its *label*, the keyed fingerprint of its value, and a *seal*
over label and hash: both still fitting means that neither the secret nor the hash changed, and no plan has to hash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from conduit.change import Change
from conduit.model import Key, Live, Native
from conduit.providers.self_rows import Grant, Role, Task, User

Declared = User | Role | Grant | Task
SORTS: Final[Mapping[str, type[Declared]]] = {"user": User, "role": Role, "grant": Grant, "task": Task}
"""The kinds that live in self.db, and their rows."""
FIELDS: Final[Mapping[type[Any], tuple[str, ...]]] = {
    User: ("email", "role", "permissions", "active"),
    Role: ("permissions",),
    Grant: ("user", "deployment", "level", "granted_by"),
    Task: ("schedule", "timezone", "action", "subject", "run_as", "enabled"),
}
"""What of a row a manifest says; the rest is the user's own or follows from use."""
PARTS: Final = {False: "row", True: "protected row"}
WATCHED: Final = ("role", "permissions", "active", "password_hash")
"""What of a user must not change under a session that goes on."""

Fingerprint = Callable[[str], str]
Mark = Callable[[Key, str, str], str]


def identity_of(row: Declared) -> str:
    """Return what tells a row from a later one of the same name."""
    return row.uid if isinstance(row, User) else row.name


def live_of(kind: str, row: Declared, mark: Mark, fingerprint: Fingerprint) -> Live:
    """Return a row as a live object."""
    key, own = Key(kind, row.name), identity_of(row)
    ours = {protected: mark(key, part, own) == row.mark for protected, part in PARTS.items()}
    return Live(
        key, own, native_of(row, fingerprint), any(ours.values()), protected=ours[True], place=f"self.db: {key}"
    )


def native_of(row: Declared, fingerprint: Fingerprint) -> Native:
    """Return what a row says of what can be declared."""
    values = {field: getattr(row, field) for field in FIELDS[type(row)]}
    native = {field: list(value) if isinstance(value, tuple) else value for field, value in values.items()}
    return native | {"password": label_of(row, fingerprint)} if isinstance(row, User) else native


def label_of(user: User, fingerprint: Fingerprint) -> str:
    """Return the label of a user's password, empty when no secret stands for it.

    It is another one when the hash is not the one that was made of the secret.
    """
    label = user.password_secret.partition(".")[0]
    if label and user.password_secret != sealed(user.name, label, user.password_hash, fingerprint):
        return fingerprint(f"another hash than that of {label}")
    return label


def sealed(name: str, label: str, hashed: str, fingerprint: Fingerprint) -> str:
    """Return the label of a password that comes from a secret with its seal, as a user's row keeps it."""
    seal = fingerprint("\n".join(("password", name, label, hashed)))
    return f"{label}.{seal}"


def changed(row: Declared, change: Change, mark: Mark) -> Declared:
    """Return a row as a change wants it, a password aside."""
    native = {field: change.native[field] for field in FIELDS[type(row)]}
    values: dict[str, Any] = {field: tuple(v) if isinstance(v, list) else v for field, v in native.items()}
    protected = change.want is not None and change.want.protect
    return row._replace(**values, mark=mark(change.key, PARTS[protected], identity_of(row)))


def put_back(row: Declared, before: Declared) -> Declared:
    """Return a row with all that an apply may have changed as it was before."""
    fields = (*FIELDS[type(row)], "mark")
    if isinstance(row, User):
        fields = (*fields, "password_hash", "password_secret", "password_set_at")
    values: dict[str, Any] = {field: getattr(before, field) for field in fields}
    return row._replace(**values)


def moved_on(before: User, after: User, now: float) -> User:
    """Return a changed user at `now`, in the next epoch when what sessions rely on has changed."""
    if before == after:
        return before
    breaks = any(getattr(before, field) != getattr(after, field) for field in WATCHED)
    return after._replace(updated_at=now, epoch=before.epoch + 1 if breaks else before.epoch)
