"""Who reaches which deployment. Whoever is no admin grants only what they hold themselves, as admin of it."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response
from litestar.params import FromPath, JSONBody

from conduit.api.auth import Caller, Who
from conduit.api.controllers.accounts import Waits, put_grant, remove_grant
from conduit.api.controllers.user_forms import (
    Granted,
    GrantEdit,
    GrantMade,
    Members,
    NewGrant,
    grant_view,
)
from conduit.api.controllers.users import Number, found
from conduit.api.desk import Desk, Here
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.api.versions import Match, seen
from conduit.identity.numbers import number_of
from conduit.providers.self_rows import Grant, User

OF_USER = "/api/users/{id:str}/deployments"
ONE = f"{OF_USER}/{{name:str}}"
Name = FromPath[str]


@route("GET", OF_USER, "users:read", second=True, sync_to_thread=True, summary="The deployments of a user")
def deployments(desk: Here, id: Number) -> Granted:  # noqa: A002 - the path's own word
    """Return the deployments granted to a user."""
    grants = desk.door.store.rows(Grant, user=found(desk, id).name)
    return {"deployments": [grant_view(each) for each in grants]}


@route("POST", OF_USER, "users:write", second=True, conditional=True, status_code=201, summary="Grant a deployment")
async def give(
    desk: Here,
    caller: Who,
    id: Number,  # noqa: A002 - the path's own word
    data: JSONBody[NewGrant],
    match: Match = None,
) -> Response[GrantMade]:
    """Grant a deployment to a user; what was granted before takes the new level."""
    user = await _granting(desk, caller, id, data.deployment_name)
    waits = await put_grant(desk, caller, user, data.deployment_name, data.access_level, seen(match))
    return _made(waits, user, data.deployment_name, data.access_level, 201)


@route("PUT", ONE, "users:write", second=True, conditional=True, summary="Change a grant")
async def regrade(
    desk: Here,
    caller: Who,
    id: Number,  # noqa: A002 - the path's own word
    name: Name,
    data: JSONBody[GrantEdit],
    match: Match = None,
) -> Response[GrantMade]:
    """Change how far a user reaches a deployment."""
    user = await _granting(desk, caller, id, name)
    waits = await put_grant(desk, caller, user, name, data.access_level, seen(match))
    return _made(waits, user, name, data.access_level, 200)


@route("DELETE", ONE, "users:write", second=True, conditional=True, summary="Take a deployment away")
async def take(desk: Here, caller: Who, id: Number, name: Name, match: Match = None) -> Response[Any]:  # noqa: A002
    """Take a deployment from a user."""
    user = await _granting(desk, caller, id, name)
    waits = await remove_grant(desk, caller, user, name, seen(match))
    return waits or Response({"message": f"{user.name} reaches {name} no longer"})


@route("GET", "/api/deployments/{name:str}/users", "users:read", second=True, sync_to_thread=True, summary="Its users")
def members(desk: Here, caller: Who, name: Name) -> Members:
    """Return who reaches a deployment; admins reach every one and are not listed."""
    _require_admin_of(caller, name)
    store = desk.door.store
    people = {user.name: user for user in store.rows(User)}
    grants = [grant for grant in store.rows(Grant, deployment=name) if grant.user in people]
    return {"deployment_name": name, "users": [_member(people[grant.user], grant) for grant in grants]}


async def _granting(desk: Desk, caller: Caller, number: str, deployment: str) -> User:
    """Return the user of a number, for a caller who may grant a deployment. Raises `ApiError` 403, 400, 404."""
    _require_admin_of(caller, deployment)
    return await asyncio.to_thread(found, desk, number)


def _made(waits: Waits, user: User, deployment: str, level: str, status: int) -> Response[Any]:
    made: GrantMade = {
        "message": f"{user.name} reaches {deployment}: {level}",
        "deployment_name": deployment,
        "access_level": level,
    }
    return waits or Response(made, status_code=status)


def _member(user: User, grant: Grant) -> Any:
    return {
        "user_id": number_of("user", user.name),
        "username": user.name,
        "email": user.email,
        "role": user.role,
        **{name: value for name, value in grant_view(grant).items() if name != "deployment_name"},
    }


def _require_admin_of(caller: Caller, deployment: str) -> None:
    """Raise `ApiError` 403 for a caller who is no admin of a deployment."""
    if not caller.reaches(deployment, "admin"):
        raise ApiError(403, f"admin access to {deployment} is required")


ROUTES = (deployments, give, regrade, take, members)
