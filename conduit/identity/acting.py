"""Users in whose name something is done while they are not there: with what they may do at that moment."""

from __future__ import annotations

from collections.abc import Collection

from conduit.identity.caller import Caller
from conduit.identity.reach import PEOPLE, within
from conduit.identity.rights import of_user
from conduit.model import Key
from conduit.providers.self_rows import User
from conduit.providers.self_store import SelfStore


def acting(store: SelfStore, name: str) -> Caller | None:
    """Return a user with the rights of this moment; None for one that is disabled or not there. Raises `Unreadable`."""
    with store.reading() as tables:
        user = tables.find(User, name=name) if tables else None
        if tables is None or user is None or not user.active:
            return None
        may = of_user(tables, user)
    return Caller(user.name, may.permissions, may.admin, user=user.name, deployments=may.deployments)


def hindrance(caller: Caller, key: Key, permission: str, roots: Collection[Key]) -> str:
    """Return why a caller may not operate on a live resource that is part of `roots`; empty for one who may."""
    if not caller.may(permission):
        return f"{permission} is required"
    if key.kind in PEOPLE and not caller.admin:
        return f"only an admin changes {key}"
    if not any(within(caller, root, "write") for root in roots):
        return f"write access to {' or '.join(map(str, sorted(roots)))} is required"
    return ""
