"""Native: the own sessions, and ending them."""

from __future__ import annotations

import asyncio
from typing import TypedDict

from litestar.params import FromPath

from conduit.api.auth import Caller, Who
from conduit.api.controllers.people import SessionView, session_view
from conduit.api.desk import Here
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.identity.caller import OWN_READ, OWN_WRITE
from conduit.identity.sessions import id_of


class SessionList(TypedDict):
    """The sessions of one user."""

    sessions: list[SessionView]


class Ended(TypedDict):
    """How many sessions were ended."""

    ended: int


@route("GET", "/api/auth/sessions", OWN_READ, native=True, sync_to_thread=True, summary="The own sessions")
def sessions(desk: Here, caller: Who) -> SessionList:
    """Return where one is logged in, newest first."""
    found = desk.door.sessions.of(person(caller).user)
    return {"sessions": [session_view(each, caller.session) for each in found]}


@route("DELETE", "/api/auth/sessions/{id:str}", OWN_WRITE, native=True, summary="End one of the own sessions")
async def end(desk: Here, caller: Who, id: FromPath[str]) -> Ended:  # noqa: A002 - the path's own word
    """End one session; its token or cookie is worth nothing from now on."""
    user = person(caller).user
    own = await asyncio.to_thread(desk.door.sessions.of, user)
    found = next((each for each in own if id_of(each) == id), None)
    if found is None:
        raise ApiError(404, "there is no such session")
    await asyncio.to_thread(desk.door.sessions.end, found.hash)
    await asyncio.to_thread(desk.record, caller, "logout", f"{user} ended session {id}")
    return {"ended": 1}


@route("DELETE", "/api/auth/sessions", OWN_WRITE, native=True, summary="End all own sessions but this one")
async def end_others(desk: Here, caller: Who) -> Ended:
    """Log out everywhere else."""
    user = person(caller).user
    ended = await asyncio.to_thread(desk.door.sessions.end_all, user, caller.session)
    await asyncio.to_thread(desk.record, caller, "logout", f"{user} ended {ended} other sessions")
    return {"ended": ended}


def person(caller: Caller) -> Caller:
    """Return a caller who logged in with a password. Raises `ApiError`: 401 for no user at all, 403 for a key.

    A key that could make keys or passwords would outlive its own revocation.
    """
    if not caller.user:
        raise ApiError(401, "this needs a user who is logged in; the key of the environment is none")
    if caller.key:
        raise ApiError(403, "a key may not do this: log in with a password")
    return caller


ROUTES = (sessions, end, end_others)
