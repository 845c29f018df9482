"""A bounded HTTP exchange for a check: no redirects, no proxy of the environment, a new connection.

It runs in an event loop, because only there a whole exchange, not just each read of it, has a deadline.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conduit.change import Level
from conduit.grammar import join_host_port
from conduit.providers.files import read_regular
from conduit.providers.probe import BODY_BYTES, CONNECT_SECONDS, HttpAnswer, HttpProbe

if TYPE_CHECKING:
    import httpx

ROOT_BYTES = 64 * 1024
"""More than any file of one root certificate holds."""


async def exchange(request: HttpProbe) -> HttpAnswer:
    """Make one request on a connection of its own, and tell how far it got when it fails."""
    import httpx

    began, reached = time.monotonic(), [Level.NO_CONNECTION]

    async def trace(event: str, _: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            reached.append(Level.NO_TLS if request.tls else Level.PROXY_ERROR)
        elif event == "connection.start_tls.complete":
            reached.append(Level.PROXY_ERROR)

    try:
        async with _client(request) as client:
            answer = await _ask(client, request, trace)
    except TimeoutError:
        answer = HttpAnswer(reached[-1], error=f"no whole answer within {request.seconds:g} s")
    except (httpx.HTTPError, OSError, ValueError) as error:
        answer = HttpAnswer(reached[-1], error=_reason(error))
    return answer._replace(seconds=time.monotonic() - began)


def _client(request: HttpProbe) -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(
        verify=_trust(request.root) if request.tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(request.seconds, connect=min(CONNECT_SECONDS, request.seconds)),
        headers={"User-Agent": "conduit", "Accept-Encoding": "identity", "Connection": "close"},
    )


def _trust(root: Path | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the authority in `root` alone. Raises OSError when there is none.

    The file is read here and not by OpenSSL, which would wait forever at a pipe.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=read_regular(root or Path(), ROOT_BYTES).decode("ascii"))
    except (OSError, ValueError) as error:
        raise OSError(f"cannot read the root certificate {root}: {error}") from None
    return context


async def _ask(client: httpx.AsyncClient, request: HttpProbe, trace: Any) -> HttpAnswer:
    """Read the head within the time of the request, then as much body as comes in what is left of it."""
    until = asyncio.get_running_loop().time() + request.seconds
    address = request.address or (request.host, 443 if request.tls else 80)
    url = f"{'https' if request.tls else 'http'}://{join_host_port(*address)}{request.path}"
    head = client.build_request(
        "GET", url, headers={"Host": request.host}, extensions={"trace": trace, "sni_hostname": request.host}
    )
    async with asyncio.timeout_at(until):
        response = await client.send(head, stream=True)
    stream = response.extensions["network_stream"]
    tunnel, client_address = stream.get_extra_info("ssl_object"), stream.get_extra_info("client_addr")
    body = bytearray()
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until):
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= BODY_BYTES:
                    break
    serial, not_after = _served(tunnel) if tunnel else ("", None)
    return HttpAnswer(
        Level.UPSTREAM_ANSWERED,
        response.status_code,
        dict(response.headers.items()),
        bytes(body[:BODY_BYTES]),
        serial,
        not_after,
        client=str(client_address[0]) if client_address else "",
    )


def _served(tunnel: ssl.SSLObject) -> tuple[str, float]:
    """Return the serial number and the end of validity of the certificate the other side proved to hold."""
    certificate: dict[str, Any] = tunnel.getpeercert() or {}
    return f"{int(certificate['serialNumber'], 16):x}", float(ssl.cert_time_to_seconds(certificate["notAfter"]))


def _reason(error: BaseException) -> str:
    """Tell a failed exchange in words: the innermost cause that says something."""
    import httpx

    causes = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    for found in causes:
        if isinstance(found, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted: {found.verify_message}"
        if isinstance(found, ssl.SSLError):
            return f"TLS failed: {found.reason or found}"
        if isinstance(found, ConnectionRefusedError):
            return "the connection is refused"
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    return f"the exchange failed: {str(error) or type(error).__name__}"
