"""Checking what somebody shows to be let in: counted, off the event loop, and refused in the same words always."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from conduit.api.auth import Caller, Connection, address_of
from conduit.api.desk import Desk
from conduit.api.errors import ApiError
from conduit.errors import Code
from conduit.providers.self_rows import User

SECOND_FACTOR = Code(
    "CND-2304",
    "a second factor is needed",
    "The password is right, and this user has an authenticator app enrolled. Send its code as `totp` with the "
    "password, or one of the recovery codes.",
)


class Client(NamedTuple):
    """Who is at the other end, as far as that shows."""

    address: str
    agent: str


def client_of(request: Connection) -> Client:
    """Return who is at the other end of a request."""
    return Client(address_of(request), request.headers.get("user-agent", ""))


async def user_with(desk: Desk, name: str, password: str, client: Client) -> User:
    """Return the active user of this name and password. Raises `ApiError` 401 or 429, `Unreadable` in a crowd."""
    await count(desk, name, client)
    user = await asyncio.to_thread(desk.door.entry.user, name)
    fits = await asyncio.wrap_future(desk.door.passwords.check(password, user.password_hash if user else None))
    if user is None or not fits:
        raise await refused(desk, name, client)
    return user


async def require_second(desk: Desk, user: User, code: str, client: Client) -> None:
    """Raise `ApiError` 401 for a user with a second factor whose code is missing or wrong; else the way is free."""
    if user.totp_confirmed and not code:
        said = f'"{user.name}" showed no second factor'
        await asyncio.to_thread(desk.record, _nobody(client), "login", said, ok=False)
        raise ApiError(401, "send the code of your authenticator app as totp", field="totp", code=SECOND_FACTOR)
    if user.totp_confirmed and not await asyncio.to_thread(desk.door.entry.second, user, code):
        raise await refused(desk, user.name, client)
    desk.door.throttle.forgive(user.name)


async def count(desk: Desk, account: str, client: Client) -> None:
    """Count an attempt. Raises `ApiError` 429, which the audit trail has once a minute for each address."""
    if wait := desk.door.throttle.wait(account, client.address):
        if desk.door.throttle.is_news(client.address):
            said = f'too many attempts to log in, the last as "{account}"; more within a minute are not recorded'
            await asyncio.to_thread(desk.record, _nobody(client), "login", said, ok=False)
        raise ApiError(429, "too many attempts to log in", headers={"Retry-After": str(wait)})


async def refused(desk: Desk, name: str, client: Client, said: str = "wrong user name, password or key") -> ApiError:
    """Record an attempt that failed, and return what is said of it: the same for every reason."""
    await asyncio.to_thread(desk.record, _nobody(client), "login", f'could not log in as "{name}"', ok=False)
    return ApiError(401, said, headers={"WWW-Authenticate": "Bearer"})


def _nobody(client: Client) -> Caller:
    return Caller("", by="anonymous", address=client.address)
