"""The first admin, made by whoever can read the bootstrap token on the machine."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final, TypedDict

from litestar import Request
from litestar.params import JSONBody
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from conduit import grammar
from conduit.api.auth import PUBLIC, Caller
from conduit.api.controllers.accounts import make_user
from conduit.api.controllers.people import Message
from conduit.api.credentials import client_of, count, refused
from conduit.api.desk import Here
from conduit.api.errors import ApiError
from conduit.api.routing import route
from conduit.identity.passwords import LONGEST, normal
from conduit.identity.permissions import ADMIN
from conduit.resources.rights_spec import Email

UNFIT: Final = "this is not the bootstrap token, or not any more: `conduit token` makes one while there is no admin"


class FirstAdmin(BaseModel):
    """The token from the file, and who the admin is to be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: str = Field(max_length=128, repr=False)
    username: Annotated[str, AfterValidator(grammar.name)]
    password: str = Field(max_length=LONGEST, repr=False)
    email: Email = ""


class Initialized(TypedDict):
    """Whether anybody can log in as an admin."""

    initialized: bool


@route("GET", "/api/setup/status", PUBLIC, second=True, sync_to_thread=True, summary="Whether there is an admin")
def setup(desk: Here) -> Initialized:
    """Say whether an admin can log in; if not, the bootstrap token makes one."""
    return {"initialized": not desk.door.bootstrap.needed}


@route("POST", "/api/auth/bootstrap", PUBLIC, native=True, status_code=201, summary="Make the first admin")
async def bootstrap(desk: Here, request: Request[Any, Any, Any], data: JSONBody[FirstAdmin]) -> Message:
    """Take the bootstrap token for a first admin, declared in a manifest like every user; once, within half an hour.

    `conduit serve` writes the token into a file that only root can read when there is no admin, `conduit token` anew.
    """
    await asyncio.to_thread(desk.audit.require)
    client = client_of(request)
    await count(desk, f"bootstrap {client.address}", client)
    if not await asyncio.to_thread(desk.door.bootstrap.fits, data.token):
        raise await refused(desk, "the first admin", client, UNFIT)
    password = normal(data.password)
    if desk.held:
        raise ApiError(409, f"an admin cannot be made now: {desk.held}", hint="conduit resume")
    if not await asyncio.to_thread(desk.door.bootstrap.take, data.token):
        raise await refused(desk, "the first admin", client, UNFIT)
    caller = Caller(data.username, admin=True, by="token", address=client.address, user=data.username)
    await make_user(desk, caller, data.username, {"role": ADMIN, "email": data.email}, password, act="setup")
    return {"message": f"{data.username} is an admin; log in"}


ROUTES = (setup, bootstrap)
