"""Users, grants and sessions as clients read them; never a hash. Pure."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from conduit.api.envelopes import instant
from conduit.identity.caller import Caller
from conduit.identity.numbers import number_of
from conduit.identity.sessions import id_of
from conduit.providers.self_rows import Session, User


class Message(TypedDict):
    """What was done."""

    message: str


class UserView(TypedDict):
    """A user; `permissions` are those of its own, beside its role's."""

    id: int
    uid: str
    username: str
    email: str
    role: str
    is_active: bool
    created_at: str | None
    updated_at: str | None
    last_login_at: str | None
    permissions: NotRequired[list[str]]


class SessionView(TypedDict):
    """One log-in that goes on; `current` is the one that asks."""

    id: str
    kind: str
    key: str
    created_at: str | None
    used_at: str | None
    expires_at: str | None
    address: str
    agent: str
    current: bool


class Access(TypedDict):
    """How far somebody reaches one deployment."""

    deployment_name: str
    access_level: str


def user_view(user: User) -> UserView:
    """Return a user as clients of the documented API read it."""
    view: UserView = {
        "id": number_of("user", user.name),
        "uid": user.uid,
        "username": user.name,
        "email": user.email,
        "role": user.role,
        "is_active": user.active,
        "created_at": instant(user.created_at),
        "updated_at": instant(user.updated_at),
        "last_login_at": instant(user.last_login_at),
    }
    return {**view, "permissions": sorted(user.permissions)} if user.permissions else view


def session_view(session: Session, current: str) -> SessionView:
    """Return a session; `current` is the hash of the one that asks."""
    return {
        "id": id_of(session),
        "kind": session.kind,
        "key": session.key,
        "created_at": instant(session.created_at),
        "used_at": instant(session.used_at),
        "expires_at": instant(session.expires_at),
        "address": session.address,
        "agent": session.agent,
        "current": session.hash == current,
    }


def permissions_told(caller: Caller, user: User | None) -> list[str]:
    """Return the permissions somebody is told: a user's own in place of its role's when it has any."""
    own = user.permissions if user and not caller.key else ()
    return sorted(own or caller.permissions)


def access_of(caller: Caller) -> list[Access]:
    """Return the deployments that were granted."""
    granted = sorted((caller.deployments or {}).items())
    return [{"deployment_name": name, "access_level": level} for name, level in granted]
