"""Logging in and out, and whether what one has is valid."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from pydantic import BaseModel, ConfigDict, Field

from conduit.api.auth import COOKIE, PUBLIC, Who, address_of, shown_by
from conduit.api.controllers.people import Access, Message, UserView, access_of, permissions_told, user_view
from conduit.api.credentials import Client, client_of, count, refused, require_second, user_with
from conduit.api.desk import Desk, Here
from conduit.api.envelopes import instant
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.errors import ConduitError
from conduit.identity.caller import OWN_WRITE
from conduit.identity.key_format import id_of as id_of_key
from conduit.identity.passwords import LONGEST
from conduit.identity.sessions import Begun, Sort
from conduit.providers.self_rows import User

Short = Annotated[str, Field(max_length=128)]


class Credentials(BaseModel):
    """What somebody logs in with: name and password, with `totp` if that is enrolled, or an API key.

    `cookie` asks for a browser's session in place of a token.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    username: Short = ""
    password: str = Field("", max_length=LONGEST, repr=False)
    totp: Short = Field("", repr=False)
    api_key: Short = Field("", repr=False)
    cookie: bool = False


class Enabled(TypedDict):
    """Whether callers are told apart; they always are."""

    enabled: bool


class LoggedIn(TypedDict):
    """The token to send from now on, empty for a browser, whose cookie says it; of a user what it may do."""

    token: str
    expires_in: int
    expires_at: str | None
    token_type: Literal["Bearer", "Cookie"]
    permissions: list[str]
    user: NotRequired[UserView]
    deployments: NotRequired[list[Access]]


@route("GET", "/api/auth/status", PUBLIC, second=True, sync_to_thread=False, summary="Whether a login is needed")
def status() -> Enabled:
    """Say that callers are told apart; it cannot be turned off."""
    return {"enabled": True}


@route("POST", "/api/auth/login", PUBLIC, second=True, summary="Log in")
async def login(desk: Here, request: Request[Any, Any, Any], data: JSONBody[Credentials]) -> Response[LoggedIn]:
    """Take a name with its password, or an API key, for a session: a token, or a cookie for a browser.

    Five attempts a minute for one name, twenty for one address. Whether there is such a user does not show.
    """
    await asyncio.to_thread(desk.audit.require)
    client = client_of(request)
    kind: Sort = "cookie" if data.cookie else "token"
    if data.api_key:
        return await _with_key(desk, data.api_key, client, kind)
    if not data.username or not data.password:
        raise ApiError(400, "send username and password, or api_key")
    user = await user_with(desk, data.username, data.password, client)
    await require_second(desk, user, data.totp, client)
    await _strengthened(desk, user, data.password)
    begun = await asyncio.to_thread(desk.door.sessions.begin, user.name, user.epoch, kind, *client)
    return await _entered(desk, begun, user, client)


@route("GET", "/api/auth/validate", PUBLIC, second=True, sync_to_thread=True, summary="Whether a token is valid")
def validate(desk: Here, request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Look at the key, token or cookie of this request; `expires_at` is null for a key that does not end."""
    shown, cookie = shown_by(request.headers), request.cookies.get(COOKIE, "")
    caller = desk.door.recognition.recognise(shown, cookie, address_of(request))
    if caller is None:
        return Response({"valid": False, "error": "this is no valid token or key"}, status_code=401)
    ends = instant(desk.door.recognition.expires_at(caller))
    return Response({"valid": True, "message": f"{caller.name} is logged in", "user": caller.user, "expires_at": ends})


@route("POST", "/api/auth/logout", OWN_WRITE, second=True, summary="Log out")
async def logout(desk: Here, caller: Who) -> Response[Message]:
    """End the session of this request."""
    if not caller.session:
        raise ApiError(400, "a key is no session; revoke it to end it")
    await asyncio.to_thread(desk.door.sessions.end, caller.session)
    await asyncio.to_thread(desk.record, caller, "logout", f"{caller.name} logged out")
    return Response({"message": "logged out"}, cookies=[_cookie("", 0)] if caller.by == "cookie" else [])


async def _with_key(desk: Desk, key: str, client: Client, kind: Sort) -> Response[LoggedIn]:
    """Begin a session that may do what the key may, as long as the key may it."""
    await count(desk, f"key {id_of_key(key)}", client)
    found = await asyncio.to_thread(desk.door.recognition.recognise, key, "", client.address)
    if found is None or found.by != "key":
        raise await refused(desk, "an API key", client)
    user = await asyncio.to_thread(desk.door.store.find, User, name=found.user) if found.user else None
    epoch = user.epoch if user else 0
    begun = await asyncio.to_thread(desk.door.sessions.begin, found.user, epoch, kind, *client, found.key)
    return await _entered(desk, begun, user, client)


async def _strengthened(desk: Desk, user: User, password: str) -> None:
    """Keep a hash of today's effort in place of an older one; in a crowd, or for one too short now, it stays."""
    if desk.door.passwords.outdated(user.password_hash):
        with suppress(ConduitError):
            stronger = await asyncio.wrap_future(desk.door.passwords.hash(password))
            await asyncio.to_thread(desk.door.entry.strengthen, user, stronger)


async def _entered(desk: Desk, begun: Begun, user: User | None, client: Client) -> Response[LoggedIn]:
    """Recognise the new session as its next request will be, record it, and return what to go on with."""
    session, by_cookie = begun.session, begun.session.kind == "cookie"
    token = "" if by_cookie else desk.door.entry.token(begun, user)
    cookie = begun.value if by_cookie else ""
    caller = await asyncio.to_thread(desk.door.recognition.recognise, token, cookie, client.address)
    if caller is None:
        raise await refused(desk, user.name if user else "", client)
    await asyncio.to_thread(desk.record, caller, "login", f"{caller.name} logged in ({session.kind})")
    seconds = round(session.expires_at - session.created_at)
    told: LoggedIn = {
        "token": token,
        "expires_in": seconds,
        "expires_at": instant(session.expires_at),
        "token_type": "Cookie" if by_cookie else "Bearer",
        "permissions": permissions_told(caller, user),
    }
    if user:
        told |= {"user": user_view(user), "deployments": access_of(caller)}
    return Response(told, cookies=[_cookie(cookie, seconds)] if by_cookie else [])


def _cookie(value: str, seconds: int) -> Cookie:
    """Return the session's cookie as only this site, over a safe connection, is sent it (RFC 6265bis, `__Host-`)."""
    return Cookie(COOKIE, value=value, max_age=seconds, secure=True, httponly=True, samesite="strict")


ROUTES = (status, login, validate, logout)
