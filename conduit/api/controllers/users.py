"""Users: the own account, and for those who may, everybody's. Each change is an edit of a manifest, made true."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, Response
from litestar.params import FromPath, JSONBody

from conduit.api.auth import Who
from conduit.api.controllers.accounts import edit_user, make_user, remove_user, require_no_more, set_password
from conduit.api.controllers.people import Message, permissions_told, user_view
from conduit.api.controllers.sessions import person
from conduit.api.controllers.user_forms import (
    Myself,
    NewPassword,
    NewUser,
    OwnEdit,
    UserAnswer,
    UserEdit,
    UserGranted,
    UserList,
    grant_view,
)
from conduit.api.credentials import client_of, user_with
from conduit.api.desk import Desk, Here
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.api.versions import Match, seen
from conduit.identity.caller import OWN_READ, OWN_WRITE
from conduit.identity.numbers import number_of
from conduit.providers.self_rows import Grant, User

Number = FromPath[str]
ME = "/api/users/me"
ONE = "/api/users/{id:str}"


@route("GET", ME, OWN_READ, second=True, sync_to_thread=True, summary="The caller")
def me(desk: Here, caller: Who) -> Myself:
    """Return who calls, what they may do, and the deployments in reach."""
    user = _myself(desk, caller.user)
    return {**_granted(desk, user), "permissions": permissions_told(caller, user)}


@route("PUT", ME, OWN_WRITE, second=True, conditional=True, summary="Change the own account")
async def edit_me(desk: Here, caller: Who, data: JSONBody[OwnEdit], match: Match = None) -> Response[UserAnswer]:
    """Change the own e-mail address."""
    user = await asyncio.to_thread(_myself, desk, person(caller).user)
    waits = await edit_user(desk, caller, user, {"email": data.email}, seen(match))
    return await _edited(desk, waits, user.name)


@route("PUT", f"{ME}/password", OWN_WRITE, second=True, summary="Change the own password")
async def change_password(
    desk: Here, caller: Who, request: Request[Any, Any, Any], data: JSONBody[NewPassword]
) -> Message:
    """Change the own password. Every session ends, this one too. A wrong current password is 401."""
    user = await user_with(desk, person(caller).user, data.current_password, client_of(request))
    hashed = await asyncio.wrap_future(desk.door.passwords.hash(data.new_password))
    await set_password(desk, user.name, hashed)
    await asyncio.to_thread(desk.record, caller, "user_password", f"{user.name} changed the password")
    return {"message": "the password is changed; log in again"}


@route("GET", "/api/users", "users:read", second=True, sync_to_thread=True, summary="All users")
def users(desk: Here) -> UserList:
    """Return every user with the number of deployments granted."""
    store = desk.door.store
    granted = [grant.user for grant in store.rows(Grant)]
    return {"users": [{**user_view(user), "deployment_count": granted.count(user.name)} for user in store.rows(User)]}


@route("GET", ONE, "users:read", second=True, summary="One user")
async def user(desk: Here, id: Number) -> UserGranted:  # noqa: A002 - the path's own word
    """Return one user with the deployments in reach."""
    return await asyncio.to_thread(lambda: _granted(desk, found(desk, id)))


@route("POST", "/api/users", "users:write", second=True, status_code=201, summary="Create a user")
async def create(desk: Here, caller: Who, data: JSONBody[NewUser]) -> Response[UserAnswer]:
    """Declare a user and set the password. A name that is taken is 409; who is no admin gives no more than they have.

    The manifest has no password: it goes into self.db alone, as a hash.
    """
    await asyncio.to_thread(require_no_more, desk, caller, None, data.role, data.permissions)
    if await asyncio.to_thread(desk.door.store.find, User, name=data.username):
        raise ApiError(409, f"there is a user {data.username} already")
    fields = {"role": data.role, "email": data.email, "permissions": data.permissions}
    await make_user(desk, caller, data.username, fields, data.password)
    return await _edited(desk, None, data.username, 201)


@route("PUT", ONE, "users:write", second=True, conditional=True, summary="Change a user")
async def edit(
    desk: Here,
    caller: Who,
    id: Number,  # noqa: A002 - the path's own word
    data: JSONBody[UserEdit],
    match: Match = None,
) -> Response[UserAnswer]:
    """Change what is sent of a user; an empty list of permissions clears it. The last active admin is 409."""
    user = await asyncio.to_thread(found, desk, id)
    if data.username not in (None, user.name):
        raise ApiError(400, "a user keeps the name; create another one instead", field="username")
    permissions = user.permissions if data.permissions is None else data.permissions
    await asyncio.to_thread(require_no_more, desk, caller, user, data.role or user.role, permissions)
    return await _edited(desk, await edit_user(desk, caller, user, data.fields, seen(match)), user.name)


@route("DELETE", ONE, "users:delete", second=True, conditional=True, summary="Delete a user")
async def delete(desk: Here, caller: Who, id: Number, match: Match = None) -> Response[Any]:  # noqa: A002
    """Remove a user with all sessions, keys and grants. The own account is 400, the last active admin 409."""
    user = await asyncio.to_thread(found, desk, id)
    if user.name == caller.user:
        raise ApiError(400, "nobody deletes their own account")
    await asyncio.to_thread(require_no_more, desk, caller, user, user.role, ())
    waits = await remove_user(desk, caller, user, seen(match))
    return waits or Response({"message": f"{user.name} is deleted"})


def found(desk: Desk, number: str) -> User:
    """Return the user of a number. Raises `ApiError` 400 for what is no number, 404."""
    if not (number.isascii() and number.isdecimal()):
        raise ApiError(400, "the id of a user is a number", field="id")
    users = desk.door.store.rows(User)
    user = next((each for each in users if str(number_of("user", each.name)) == number), None)
    if user is None:
        raise ApiError(404, "there is no such user")
    return user


def _myself(desk: Desk, name: str) -> User:
    """Return the user who calls. Raises `ApiError` 401 for the key of the environment."""
    user = desk.door.store.find(User, name=name)
    if user is None:
        raise ApiError(401, "the key of the environment is no user")
    return user


def _granted(desk: Desk, user: User) -> UserGranted:
    grants = desk.door.store.rows(Grant, user=user.name)
    return {"user": user_view(user), "deployments": [grant_view(each) for each in grants]}


async def _edited(desk: Desk, waits: Response[Any] | None, name: str, status: int = 200) -> Response[Any]:
    """Return a user as it is now; an edit that waits is answered as such."""
    if waits:
        return waits
    user = await asyncio.to_thread(_myself, desk, name)
    return Response({"user": user_view(user)}, status_code=status)


ROUTES = (me, edit_me, change_password, users, user, create, edit, delete)
