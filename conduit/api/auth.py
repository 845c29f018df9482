"""Who calls, and whether that caller may: authentication, the guard of every route, and what a browser may send.

Deny is the default: a route that declares no permission stops the server from starting, and an empty set of
permissions may do nothing.
"""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Final, Protocol

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from conduit.api.errors import ApiError
from conduit.errors import Code, ConduitError, Diagnostic
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
KEY_VARIABLE: Final = "CONDUIT_API_KEY"
READ: Final = ":read"

Connection = ASGIConnection[Any, Any, Any, Any]
Permission = str | Callable[[Connection], str]
"""What a route needs, `<resource>:<read|write|delete>`, or how to tell it from the request."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was recognised. `by` says how: `key`, `session` or `anonymous`. `address` is the peer's own."""

    name: str
    permissions: frozenset[str] = frozenset()
    admin: bool = False
    by: str = "key"
    address: str = ""

    def may(self, permission: str) -> bool:
        """Return whether this caller holds a permission; nobody holds one that is empty."""
        return bool(permission) and (self.admin or permission in self.permissions)


Who = NamedDependency[Caller]
"""How a handler asks who calls."""


class Identity(Protocol):
    """Recognises callers by what a request shows."""

    def recognise(self, key: str, cookie: str) -> Caller | None:
        """Return whose key or session it is; None for an unknown, expired or revoked one."""


class OneKey:
    """One admin key, kept as its hash alone."""

    def __init__(self, key: str) -> None:
        self._hash = sha256(key.encode()).digest() if key else None

    @property
    def known(self) -> bool:
        """Whether there is a key at all."""
        return self._hash is not None

    def recognise(self, key: str, cookie: str) -> Caller | None:
        """Return the admin for the one key."""
        found = sha256(key.encode()).digest()
        return Caller("admin", admin=True) if self._hash and hmac.compare_digest(found, self._hash) else None


def key_of_environment() -> OneKey:
    """Take the admin key out of the environment, so that no child of this process inherits it."""
    return OneKey(os.environ.pop(KEY_VARIABLE, ""))


class Guard:
    """Lets a request through to its handler, or raises `ApiError`; `deny` records every refusal."""

    def __init__(self, identity: Identity, api: Api, hosts: Iterable[str], deny: Callable[[Caller, str], None]) -> None:
        self._identity, self._api, self._deny = identity, api, deny
        scheme = "https" if api.tls else "http"
        self._origins = frozenset(f"{scheme}://{host}" for host in hosts)

    async def __call__(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """Recognise the caller and check the permission of the route. Raises `ApiError`: 401, 403."""
        wanted: Permission = handler.opt.get("permission", PUBLIC)
        if wanted == PUBLIC:
            return
        permission = wanted(connection) if callable(wanted) else wanted
        caller = self._caller(connection, permission)
        refusal = self._refusal(connection, caller, permission)
        if refusal:
            who = caller or Caller("", by="anonymous", address=_address(connection))
            await asyncio.to_thread(self._deny, who, f"{connection.scope['method']} {connection.url.path}")  # type: ignore[typeddict-item]
            raise refusal
        connection.scope["state"]["caller"] = caller

    def still_knows(self, connection: Connection) -> bool:
        """Return whether the caller of an open stream would still be recognised."""
        caller: Caller = connection.scope["state"]["caller"]
        if caller.by == "anonymous":
            return True
        return self._identity.recognise(_key(connection.headers), connection.cookies.get(COOKIE, "")) is not None

    def _caller(self, connection: Connection, permission: str) -> Caller | None:
        key, cookie, address = _key(connection.headers), connection.cookies.get(COOKIE, ""), _address(connection)
        found = self._identity.recognise(key, cookie) if key or cookie else None
        if found:
            return Caller(found.name, found.permissions, found.admin, found.by, address)
        if self._api.anonymous_read and not key and permission.endswith(READ) and _is_loopback(address):
            return Caller("anonymous", frozenset((permission,)), by="anonymous", address=address)
        return None

    def _refusal(self, connection: Connection, caller: Caller | None, permission: str) -> ApiError | None:
        if not permission.endswith(READ) and (foreign := self._foreign(connection, caller)):
            return ApiError(403, foreign)
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
        by_cookie = COOKIE in connection.cookies and not (caller and caller.by == "key")
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


def _key(headers: Mapping[str, str]) -> str:
    """Return the key a request shows, in either of the two ways."""
    if key := headers.get("x-api-key"):
        return key
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() in ("bearer", "apikey") else ""


def _address(connection: Connection) -> str:
    return connection.client.host if connection.client else ""


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
