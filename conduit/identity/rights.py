"""What a user may do, and what is left of it for a key: never more than its owner at this moment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from conduit.identity.keys import Wish
from conduit.identity.permissions import ADMIN, LEVELS, ROLES, highest, rights
from conduit.providers.self_rows import ApiKey, Grant, Role, User
from conduit.providers.self_store import SelfStore
from conduit.providers.self_tables import Tables

PEOPLE: Final = frozenset(("users:write", "users:delete"))
"""What a key that is limited to deployments never may."""


class Rights(Struct, frozen=True):
    """Permissions, the level for each deployment within reach (None: all), and whether it is an admin's."""

    permissions: frozenset[str]
    deployments: Mapping[str, str] | None
    admin: bool


def of_user(tables: Tables, user: User) -> Rights:
    """Return what a user may do now."""
    permissions = rights(user.role, user.permissions, _declared(tables))
    if user.role == ADMIN:
        return Rights(permissions, None, admin=True)
    levels: dict[str, str] = {}
    for grant in tables.rows(Grant, user=user.name):
        levels[grant.deployment] = highest([grant.level, levels.get(grant.deployment, grant.level)]) or grant.level
    return Rights(permissions, levels, admin=False)


def of_key(tables: Tables, key: ApiKey, owner: Rights) -> Rights:
    """Return what a key may do: what it says, as far as its owner may.

    One that is limited to deployments is no admin's and changes no people: it would make itself others without a limit.
    """
    narrowed = bool(key.role or key.permissions)
    wanted = rights(key.role, key.permissions, _declared(tables)) if narrowed else owner.permissions
    held = wanted & owner.permissions
    if key.deployments:
        return Rights(held - PEOPLE, _common(key.deployments, owner.deployments), admin=False)
    return Rights(held, owner.deployments, owner.admin and (not narrowed or key.role == ADMIN))


def beyond(store: SelfStore, owner: User, wish: Wish) -> str:
    """Return what a wished key would have that its owner has not, for people; empty when there is nothing."""
    with store.reading() as tables:
        if tables is None:
            return owner.name
        may, declared = of_user(tables, owner), _declared(tables)
    if wish.role and wish.role not in ROLES and wish.role not in declared:
        return f"there is no role {wish.role}"
    if wish.role == ADMIN and not may.admin:
        return f"the role {ADMIN}"
    reach = frozenset(wish.deployments) - frozenset(may.deployments) if may.deployments is not None else frozenset()
    return ", ".join(sorted((rights(wish.role, wish.permissions, declared) - may.permissions) | reach))


def _common(key: Mapping[str, str], owner: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the deployments both reach, at the lower level."""
    if owner is None:
        return key
    return {name: min(key[name], owner[name], key=LEVELS.index) for name in key.keys() & owner.keys()}


def _declared(tables: Tables) -> Mapping[str, tuple[str, ...]]:
    return {role.name: role.permissions for role in tables.rows(Role)}
