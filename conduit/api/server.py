"""The HTTP server under the API: uvicorn, with the bounds its parser does not have, and where it may listen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from conduit.api.gate import CROWD
from conduit.errors import Code, Diagnostic, LoadError
from conduit.providers.listening import listen
from conduit.settings import Settings

OPEN_WITHOUT_TLS = Code(
    "CND-2030",
    "the API would be open to the network without TLS",
    "Keys and sessions would cross the network in clear text, so the API listens beyond loopback only with a "
    "certificate: set `api: {tls: {certificate: ..., key: ...}}` in conduit.yaml, or keep `api.host` on 127.0.0.1 and "
    "let the proxy serve it.",
)

ABORT: Final = "conduit.abort"
"""Under this name a request's scope has what ends its connection at once."""
HEAD_BYTES: Final = 16 * 1024
HEADERS: Final = 64
HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 30.0
"""How long a head, and then a body of at most a MiB, may take to come."""
KEEP_ALIVE_SECONDS: Final = 15
ANSWER_SECONDS: Final = 2
"""How long the last answers may take, once all that they could wait for has ended."""
AT_ONCE: Final = 2000
"""Connections served side by side; what comes on more is answered 503."""


class Bounded(HttpToolsProtocol):
    """The parser of one connection, which a client can neither fill with headers nor hold with a slow request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._unread, self._count, self._size = 0, 0, 0
        self._late = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._late.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that is not complete within `HEAD_BYTES` ends the connection."""
        self._unread += len(data)
        super().data_received(data)
        if self._unread > HEAD_BYTES and not self._in_body():
            self._refuse()

    def on_message_begin(self) -> None:
        """Let the application end the connection, and wait for the head."""
        super().on_message_begin()
        self._within(HEAD_SECONDS)
        self._count, self._size = 0, 0
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        crowd: dict[str, dict[str, Any]] = {CROWD: {}} if len(self.connections) > AT_ONCE else {}
        scope["extensions"] = {ABORT: self.transport.abort, **crowd}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; the parser turns the error of one too many into a refusal."""
        self._count, self._size = self._count + 1, self._size + len(name) + len(value)
        if self._count > HEADERS or self._size > HEAD_BYTES:
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there: what follows is a body, whose size the application bounds."""
        self._unread = 0
        self._within(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there; count the next head from here on."""
        self._unread = 0
        self._late.cancel()
        super().on_message_complete()

    def _in_body(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _within(self, seconds: float) -> None:
        """Hang up unless the next part of the request is there in time."""
        self._late.cancel()
        self._late = self.loop.call_later(seconds, self.transport.abort)

    def _refuse(self) -> None:
        """Refuse a head that is too large; after an answer that came before the whole body, just hang up."""
        if self.transport.is_closing():
            return
        if self.cycle is None:
            self.send_400_response("Request header fields too large")
        else:
            self.transport.close()


def refuse_open(settings: Settings) -> None:
    """Raise `LoadError` when the API would listen beyond loopback without TLS."""
    api = settings.api
    if not api.tls and not ip_address(api.host).is_loopback:
        hint = "set api.tls, or listen on 127.0.0.1"
        raise LoadError(Diagnostic(OPEN_WITHOUT_TLS, f"api.host is {api.host} and there is no api.tls", hint=hint))


def serve(app: Any, settings: Settings, started: Callable[[], None], ending: Callable[[], None]) -> None:
    """Serve until a signal ends the process. Raises `ConduitError`.

    `started` is called once connections are taken, `ending` when no more are, with requests still to be answered: what
    they wait for is to end.
    """
    api = settings.api
    certificate = {
        "ssl_certfile": settings.path(api.tls.certificate) if api.tls else None,
        "ssl_keyfile": settings.path(api.tls.key) if api.tls else None,
    }
    config = uvicorn.Config(
        app,
        http=Bounded,
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=ANSWER_SECONDS,
        **certificate,  # type: ignore[arg-type]
    )
    _Server(config, started, ending).run([listen(api.host, api.port)])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell, self._end = started, ending

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._tell()

    async def shutdown(self, sockets: Any = None) -> None:
        for server in self.servers:
            server.close()
        await asyncio.to_thread(self._end)
        await super().shutdown(sockets)
