"""Native: the own second factor, codes of an authenticator app."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, TypedDict

from litestar import Request
from litestar.params import JSONBody
from pydantic import BaseModel, ConfigDict, Field

from conduit.api.auth import Who
from conduit.api.controllers.people import Message
from conduit.api.controllers.sessions import person
from conduit.api.credentials import client_of, require_second, user_with
from conduit.api.desk import Here
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.identity.caller import OWN_WRITE
from conduit.identity.passwords import LONGEST

Code = Annotated[str, Field(min_length=1, max_length=64, repr=False)]


class Again(BaseModel):
    """The password once more: who has left a browser open has not left the account open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    password: str = Field(max_length=LONGEST, repr=False)
    totp: str = Field("", max_length=64, repr=False)


class FirstCode(BaseModel):
    """The first code the app shows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    totp: Code


class Enrolled(TypedDict):
    """What the app is given: as text, and as an address it reads from a picture."""

    secret: str
    uri: str


class Confirmed(TypedDict):
    """Codes for when the app is lost, each good once; they are told now and never again."""

    recovery_codes: list[str]


@route("POST", "/api/auth/totp", OWN_WRITE, native=True, summary="Enrol an authenticator app")
async def enrol(desk: Here, caller: Who, request: Request[Any, Any, Any], data: JSONBody[Again]) -> Enrolled:
    """Make a shared secret for an app. Logins need its codes once one was confirmed."""
    await user_with(desk, person(caller).user, data.password, client_of(request))
    made = await asyncio.to_thread(desk.door.enrolments.begin, caller.user)
    if made is None:
        raise ApiError(409, "an authenticator app is enrolled already; remove it first")
    return {"secret": made.secret, "uri": made.uri}


@route("POST", "/api/auth/totp/confirm", OWN_WRITE, native=True, summary="Confirm the app with a code")
async def confirm(desk: Here, caller: Who, data: JSONBody[FirstCode]) -> Confirmed:
    """Take the first code of the app; from now on logins need one."""
    codes = await asyncio.to_thread(desk.door.enrolments.confirm, person(caller).user, data.totp)
    if codes is None:
        raise ApiError(409, "this is not the code of an app that waits to be confirmed")
    await asyncio.to_thread(desk.record, caller, "second_factor", f"{caller.user} enrolled an authenticator app")
    return {"recovery_codes": list(codes)}


@route("POST", "/api/auth/totp/remove", OWN_WRITE, native=True, summary="Remove the app")
async def remove(desk: Here, caller: Who, request: Request[Any, Any, Any], data: JSONBody[Again]) -> Message:
    """Let the password alone do again; it takes the password and a code, or a recovery code."""
    client = client_of(request)
    user = await user_with(desk, person(caller).user, data.password, client)
    await require_second(desk, user, data.totp, client)
    await asyncio.to_thread(desk.door.enrolments.remove, user.name)
    await asyncio.to_thread(desk.record, caller, "second_factor", f"{user.name} removed the authenticator app")
    return {"message": "logins need no code any more"}


ROUTES = (enrol, confirm, remove)
