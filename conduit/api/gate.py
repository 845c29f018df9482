"""What every request passes before it is routed: its Host, its sender's allowance; and what every answer carries.

It stands outside the application, so that not even an unknown path is looked up for a request under a foreign name.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any, Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from conduit.api.errors import ApiError, body_of
from conduit.api.peer import address_behind
from conduit.settings import Api

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
"""The methods that change nothing (RFC 9110 section 9.2.1)."""
CREDENTIALS: Final = frozenset((b"x-api-key", b"authorization"))
"""The headers that show a key or token."""
CROWD: Final = "conduit.crowd"
"""This extension is in the scope of a request on a connection too many."""
EXEMPT: Final = frozenset(("/api/ping", "/healthz"))
"""What may be asked without limit: whether the server is there."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SECURITY: Final[Mapping[str, str]] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""What every answer says to a browser, errors included."""


class Gate:
    """Wraps the application. `hosts` are the exact values of the Host header that are answered."""

    def __init__(self, app: App, api: Api) -> None:
        self.app, self.hosts = app, hosts_of(api)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._allowance = {"read": _per_minute(api.reads_per_minute), "write": _per_minute(api.writes_per_minute)}
        self._trusted = tuple(ip_network(each) for each in api.trusted_proxies)
        extra = {"strict-transport-security": "max-age=31536000"} if api.tls else {}
        self._always = [(name.encode(), value.encode()) for name, value in {**SECURITY, **extra}.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or answer it here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = request_id = secrets.token_hex(8)
        if self._trusted and scope.get("client"):
            peer, port = scope["client"]
            scope["client"] = (address_behind(peer, scope["headers"], self._trusted), port)
        answer = self._answering(scope, send, request_id)
        refusal = self._refusal(scope)
        if refusal:
            await refuse(refusal, request_id, answer)
            return
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope  # the server leaves the body out
        await self.app(asked, receive, answer)

    def _refusal(self, scope: Scope) -> ApiError | None:
        if CROWD in scope.get("extensions", {}):
            wait = {"Retry-After": "1", "Connection": "close"}
            return ApiError(503, "too many connections are open", headers=wait)
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return ApiError(400, "send exactly one Host header")
        host = hosts[0].decode("latin-1").lower()
        if host not in self.hosts:
            return ApiError(421, "this host name is not served here", hint="add it to api.hosts in conduit.yaml")
        return None if scope["path"] in EXEMPT else self._over_limit(scope)

    def _over_limit(self, scope: Scope) -> ApiError | None:
        """Return the refusal of a sender who asks too much: an address, and beside it the key that is shown."""
        sort = "read" if scope["method"] in SAFE else "write"
        allowance = self._allowance[sort]
        if allowance is None:
            return None
        for sender in _senders(scope):
            if not self._limiter.hit(allowance, sort, *sender):
                seconds = self._limiter.get_window_stats(allowance, sort, *sender).reset_time
                wait = {"Retry-After": str(max(1, min(60, round(seconds - time.time()))))}
                return ApiError(429, f"more than {allowance.amount} {sort}s in a minute", headers=wait)
        return None

    def _answering(self, scope: Scope, send: Send, request_id: str) -> Send:
        own = [*self._always, (b"x-request-id", request_id.encode())]
        if scope["path"].startswith("/api"):
            own.append((b"cache-control", b"no-store"))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *own]
            await send(message)

        return answer


def hosts_of(api: Api) -> frozenset[str]:
    """Return every Host header that is answered: the address and its names, each with the port and without."""
    address = f"[{api.host}]" if ":" in api.host else api.host
    names = {address, *api.hosts}
    if ip_address(api.host).is_loopback:
        names.add("localhost")
    return frozenset(name.lower() for base in names for name in (base, f"{base}:{api.port}"))


def _senders(scope: Scope) -> Iterator[tuple[str, str]]:
    """Yield the address, which is really connected, and the hash of the key or token that is shown."""
    yield "address", (scope.get("client") or ("",))[0]
    for name, value in scope["headers"]:
        if name in CREDENTIALS:
            yield "key", sha256(value.rpartition(b" ")[2]).hexdigest()


def _per_minute(amount: int) -> RateLimitItem | None:
    return RateLimitItemPerMinute(amount) if amount else None


async def refuse(error: ApiError, request_id: str, send: Send) -> None:
    """Answer a request that does not reach the application, or whose own answer must not leave."""
    body = json.dumps(body_of(error, request_id, native=False)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(name.lower().encode(), value.encode()) for name, value in error.headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
