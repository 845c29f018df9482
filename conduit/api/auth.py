"""Who calls, and whether that caller may: authentication, the guard of every route, and what a browser may send.

Deny is the default: a route that declares no permission stops the server from starting, and an empty set of
permissions may do nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any, Final, Protocol

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from conduit.api.errors import ApiError
from conduit.errors import Code, ConduitError, Diagnostic
from conduit.identity.caller import OWN
from conduit.identity.caller import Caller as Caller
from conduit.settings import Api

UNDECLARED = Code(
    "CND-2020",
    "a route without a permission",
    "Every route says which permission it needs, or that it is public. One that says nothing would be open to anyone, "
    "so the server does not start. This is a fault in conduit, not in your settings.",
)

PUBLIC: Final = "public"
"""The permission of a route that anyone may use."""
COOKIE: Final = "__Host-conduit"
"""The name of the session's cookie."""
READ: Final = ":read"
LOOKERS: Final = 4
"""Threads that look callers up."""

LOG: Final = logging.getLogger("conduit.api")

Connection = ASGIConnection[Any, Any, Any, Any]
Permission = str | Callable[[Connection], str]
"""What a route needs, `<resource>:<read|write|delete>`, or how to tell it from the request."""

Who = NamedDependency[Caller]
"""How a handler asks who calls."""


class Identity(Protocol):
    """Recognises callers by what a request shows."""

    def at_once(self, shown: str, address: str) -> Caller | None:
        """Return who can be told without looking anywhere."""

    def recognise(self, shown: str, cookie: str, address: str) -> Caller | None:
        """Return whose key, token or session it is; None for an unknown, expired or revoked one.

        Raises `Unreadable` when that cannot be told.
        """

    def is_news(self, caller: Caller) -> bool:
        """Return whether this use is to be written down."""

    def note(self, caller: Caller) -> None:
        """Write down that a key or session was used now. Raises `Unreadable`, OSError."""


class Guard:
    """Lets a request through to its handler, or raises `ApiError`; `deny` records every refusal."""

    def __init__(self, identity: Identity, api: Api, hosts: Iterable[str], deny: Callable[[Caller, str], None]) -> None:
        self._identity, self._api, self._deny = identity, api, deny
        self._lookers = ThreadPoolExecutor(LOOKERS, "recognise")
        schemes = ("http", "https") if api.trusted_proxies else ("https",) if api.tls else ("http",)
        self._origins = frozenset(f"{scheme}://{host}" for host in hosts for scheme in schemes)

    async def __call__(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """Recognise the caller and check the permission of the route. Raises `ApiError`: 401, 403; `Unreadable`."""
        wanted: Permission = handler.opt.get("permission", PUBLIC)
        permission = wanted(connection) if callable(wanted) else wanted
        caller = None if permission == PUBLIC else await self._caller(connection, permission)
        refusal = self._refusal(connection, caller, permission)
        if refusal:
            who = caller or Caller("", by="anonymous", address=address_of(connection))
            await asyncio.to_thread(self._deny, who, f"{connection.scope['method']} {connection.url.path}")  # type: ignore[typeddict-item]
            raise refusal
        if caller:
            connection.scope["state"]["caller"] = caller
            await self._note(caller)

    async def still_knows(self, connection: Connection, permission: str) -> Caller | None:
        """Return the caller of an open stream as recognised now, None for one who may not read it any more."""
        caller: Caller = connection.scope["state"]["caller"]
        if caller.by == "anonymous":
            return caller
        try:
            found = await self._recognised(connection)
        except ConduitError:
            return None
        return found if found and found.may(permission) else None

    async def _note(self, caller: Caller) -> None:
        """Write down a use. One that cannot be written down makes a session end sooner, and no request fail."""
        if self._identity.is_news(caller):
            try:
                await asyncio.to_thread(self._identity.note, caller)
            except (ConduitError, OSError) as error:
                LOG.warning("the last use of a key or session could not be written down: %s", error)

    async def _recognised(self, connection: Connection) -> Caller | None:
        """Look in a thread of its own kind: whoever holds self.db up holds up nobody who needs none."""
        shown, cookie = shown_by(connection.headers), connection.cookies.get(COOKIE, "")
        address = address_of(connection)
        if not shown and not cookie:
            return None
        if found := self._identity.at_once(shown, address):
            return found
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lookers, self._identity.recognise, shown, cookie, address)

    async def _caller(self, connection: Connection, permission: str) -> Caller | None:
        if found := await self._recognised(connection):
            return found
        address, shown = address_of(connection), shown_by(connection.headers)
        readable = permission.endswith(READ) and permission not in OWN
        if self._api.anonymous_read and not shown and readable and _is_loopback(address):
            return Caller("anonymous", frozenset((permission,)), by="anonymous", address=address)
        return None

    def _refusal(self, connection: Connection, caller: Caller | None, permission: str) -> ApiError | None:
        reads = permission.endswith(READ) or (permission, connection.scope["method"]) == (PUBLIC, "GET")  # type: ignore[typeddict-item]
        if not reads and (foreign := self._foreign(connection, caller)):
            return ApiError(403, foreign)
        if permission == PUBLIC:
            return None
        if caller is None:
            return ApiError(401, "this needs a valid key", headers={"WWW-Authenticate": "Bearer"})
        return None if caller.may(permission) else ApiError(403, f"{permission} is required")

    def _foreign(self, connection: Connection, caller: Caller | None) -> str:
        """Return why a change must not be taken from a browser: another site asks for it, perhaps with our cookie."""
        origin, site = connection.headers.get("origin"), connection.headers.get("sec-fetch-site", "")
        if origin is not None and origin not in self._origins:
            return "the request comes from another site (Origin)"
        if site not in ("", "same-origin", "none"):
            return "the request comes from another site (Sec-Fetch-Site)"
        by_cookie = COOKIE in connection.cookies and not (caller and caller.by in ("key", "token"))
        return "a session changes things only from its own site (Origin)" if by_cookie and origin is None else ""


def require_permissions(app: Litestar) -> None:
    """Raise `ConduitError` naming every route that declares no permission."""
    handlers = [
        (route.path, each) for route in app.routes if isinstance(route, HTTPRoute) for each in route.route_handlers
    ]
    bare = sorted(f"{min(each.http_methods)} {path}" for path, each in handlers if not _declares(each))
    if bare:
        raise ConduitError(Diagnostic(UNDECLARED, f"no permission is declared for {', '.join(bare)}"))


def _declares(handler: HTTPRouteHandler) -> bool:
    """Whether a handler names its permission; the framework's own answer to OPTIONS says nothing but the methods."""
    return bool(handler.opt.get("permission")) or handler.http_methods == {"OPTIONS"}


def shown_by(headers: Mapping[str, str]) -> str:
    """Return the key or token a request shows, in either of the two ways."""
    if key := headers.get("x-api-key"):
        return key
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() in ("bearer", "apikey") else ""


def address_of(connection: Connection) -> str:
    """Return the address of who is really there: the peer, or whom a trusted proxy names (`conduit.api.peer`)."""
    return connection.client.host if connection.client else ""


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
