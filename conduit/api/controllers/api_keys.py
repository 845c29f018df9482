"""API keys: the own ones, for an admin everybody's. Somebody else's is 403, as clients of this API expect."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from litestar import Response
from litestar.params import FromPath, JSONBody

from conduit.api.auth import Caller, Who
from conduit.api.controllers.key_forms import KeyAnswer, KeyList, KeyMade, Order, key_view, made_view
from conduit.api.controllers.people import Message
from conduit.api.desk import Desk, Here
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.identity.numbers import number_of
from conduit.identity.rights import beyond
from conduit.providers.self_rows import ApiKey, User

Number = FromPath[str]


@route("GET", "/api/apikeys", "apikeys:read", second=True, sync_to_thread=True, summary="The own API keys")
def api_keys(desk: Here, caller: Who) -> KeyList:
    """Return the caller's keys, everybody's to an admin. A key itself is never told again."""
    found = desk.door.keys.of(None if caller.admin else caller.user)
    return {"api_keys": [key_view(each) for each in found]}


@route("GET", "/api/apikeys/{id:str}", "apikeys:read", second=True, sync_to_thread=True, summary="One API key")
def api_key(desk: Here, caller: Who, id: Number) -> KeyAnswer:  # noqa: A002 - the path's own word
    """Return one key."""
    return {"api_key": key_view(_found(desk, caller, id))}


@route("POST", "/api/apikeys", "apikeys:write", second=True, status_code=201, summary="Make an API key")
async def make(desk: Here, caller: Who, data: JSONBody[Order]) -> Response[KeyMade]:
    """Make a key for the caller, or an admin for anybody. Its text is told in this answer and never again.

    It may do what its owner may at each moment, or less: `role`, `permissions` and `deployments` narrow it, `addresses`
    says where it may come from. It lives `expires_in` seconds, 90 days when that is not said, for ever with 0.
    """
    _require_no_key(caller)
    owner = await asyncio.to_thread(_owner, desk, caller, data.user_id)
    wish = data.wish
    missing = await asyncio.to_thread(beyond, desk.door.store, owner, wish)
    if missing:
        raise ApiError(403, f"a key may not have more than its owner: {missing}")
    made = await asyncio.to_thread(desk.door.keys.make, owner, wish)
    if made is None:
        raise ApiError(409, f"{owner.name} has too many keys, or is gone; delete some")
    await asyncio.to_thread(_record, desk, caller, "key_create", made.key)
    return Response(made_view(made), status_code=201)


@route("DELETE", "/api/apikeys/{id:str}", "apikeys:delete", second=True, summary="Delete an API key")
async def delete(desk: Here, caller: Who, id: Number) -> Message:  # noqa: A002 - the path's own word
    """Forget a key; it fits no longer."""
    await _end(desk, caller, id, "key_delete", desk.door.keys.delete)
    return {"message": "the key is deleted"}


@route("POST", "/api/apikeys/{id:str}/revoke", "apikeys:delete", second=True, summary="Revoke an API key")
async def revoke(desk: Here, caller: Who, id: Number) -> Message:  # noqa: A002 - the path's own word
    """Let a key fit no longer, and keep what is known of it."""
    await _end(desk, caller, id, "key_revoke", desk.door.keys.revoke)
    return {"message": "the key is revoked"}


async def _end(desk: Desk, caller: Caller, number: str, action: str, end: Callable[[str], bool]) -> None:
    """End a key in one of the two ways, and record it."""
    _require_no_key(caller)
    key = await asyncio.to_thread(_found, desk, caller, number)
    await asyncio.to_thread(end, key.id)
    await asyncio.to_thread(_record, desk, caller, action, key)


def _require_no_key(caller: Caller) -> None:
    """Raise `ApiError` 403 for a user's key: one that makes keys would outlive its own revocation."""
    if caller.key and caller.user:
        raise ApiError(403, "a key may not manage keys: log in with a password")


def _owner(desk: Desk, caller: Caller, number: int | None) -> User:
    """Return whose key it shall be. Raises `ApiError`: 401 for nobody, 403 for somebody else, 404."""
    if number is None and not caller.user:
        raise ApiError(401, "the key of the environment is no user: say whose key it shall be with user_id")
    own = number is None or number == number_of("user", caller.user)
    if not own and not caller.admin:
        raise ApiError(403, "only an admin makes keys for others")
    users = desk.door.store.rows(User, active=True)
    found = next((user for user in users if (user.name == caller.user if own else _is(user, number))), None)
    if found is None:
        raise ApiError(404, "there is no such user")
    return found


def _is(user: User, number: int | None) -> bool:
    return number_of("user", user.name) == number


def _found(desk: Desk, caller: Caller, number: str) -> ApiKey:
    """Return the key of a number. Raises `ApiError`: 400, 404, 403 for somebody else's."""
    if not number.isascii() or not number.isdecimal():
        raise ApiError(400, "the id of a key is a number")
    found = next((key for key in desk.door.keys.of() if number_of("key", key.id) == int(number[:20])), None)
    if found is None:
        raise ApiError(404, "there is no such key")
    if not caller.admin and found.user != caller.user:
        raise ApiError(403, "this key is somebody else's")
    return found


def _record(desk: Desk, caller: Caller, action: str, key: ApiKey) -> None:
    details: dict[str, Any] = {"key": key.prefix, "owner": key.user}
    desk.record(caller, action, f'{action.removeprefix("key_")} key "{key.name}" of {key.user}', details=details)


ROUTES = (api_keys, api_key, make, delete, revoke)
