"""A bounded HTTP exchange for a check: no redirects, no proxy of the environment, a new connection.

A whole exchange has one deadline, not each read of it. Hundreds of checks run beside whatever the process serves, so
one costs little: an HTTP client with its event loop costs five times as much (docs/decisions/0022).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from conduit.change import Level
from conduit.providers.files import read_regular
from conduit.providers.http_call import NotWhole, glance
from conduit.providers.probe import BODY_BYTES, CONNECT_SECONDS, HttpAnswer, HttpProbe

ROOT_BYTES: Final = 64 * 1024
"""More than any file of one root certificate holds."""
ROOTS: Final = 8
"""Contexts that are kept, one for each root certificate."""


def exchange(request: HttpProbe) -> HttpAnswer:
    """Make one request on a connection of its own, and tell how far it got when it fails."""
    began, reached = time.monotonic(), [Level.NO_CONNECTION]
    try:
        with _link(request, began + request.seconds, reached) as link:
            answer = _ask(link, request, began + request.seconds)
    except TimeoutError:
        answer = HttpAnswer(reached[-1], error=_late(request, reached[-1]))
    except (NotWhole, OSError, ValueError) as error:
        answer = HttpAnswer(reached[-1], error=_reason(error))
    return replace(answer, seconds=time.monotonic() - began)


@contextmanager
def _link(request: HttpProbe, deadline: float, reached: list[Level]) -> Iterator[socket.socket]:
    """Open a connection, with TLS when it is asked for; `reached` gets how far that went."""
    trust = _trust(request.root) if request.tls else None
    address = request.address or (request.host, 443 if request.tls else 80)
    with socket.create_connection(address, min(CONNECT_SECONDS, request.seconds)) as plain:
        reached.append(Level.NO_TLS if trust else Level.PROXY_ERROR)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the request waits until TLS is acknowledged
        if trust is None:
            yield plain
            return
        plain.settimeout(max(0.001, deadline - time.monotonic()))
        with trust.wrap_socket(plain, server_hostname=request.host) as tunnel:
            reached.append(Level.PROXY_ERROR)
            yield tunnel


def _trust(root: Path | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the authority in `root` alone. Raises OSError when there is none.

    The file is read each time, and here: OpenSSL would wait forever at a pipe.
    """
    try:
        return _context(read_regular(root or Path(), ROOT_BYTES).decode("ascii"))
    except (OSError, ValueError) as error:
        raise OSError(f"cannot read the root certificate {root}: {error}") from None


@lru_cache(ROOTS)
def _context(root: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_verify_locations(cadata=root)
    return context


def _ask(link: socket.socket, request: HttpProbe, deadline: float) -> HttpAnswer:
    """Read the head before the deadline, then as much body as comes in what is left of it."""
    lines = (
        f"GET {request.path} HTTP/1.1",
        f"Host: {request.host}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        "User-Agent: conduit",
    )
    answer = glance(link, "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii"), deadline, BODY_BYTES)
    serial, not_after = _served(link) if isinstance(link, ssl.SSLSocket) else ("", None)
    client = str(link.getsockname()[0])
    return HttpAnswer(
        Level.UPSTREAM_ANSWERED, answer.status, answer.headers, answer.body, serial, not_after, client=client
    )


def _served(tunnel: ssl.SSLSocket) -> tuple[str, float]:
    """Return the serial number and the end of validity of the certificate the other side proved to hold."""
    certificate: dict[str, Any] = tunnel.getpeercert() or {}
    return f"{int(certificate['serialNumber'], 16):x}", _seconds(certificate["notAfter"])


@lru_cache(maxsize=1 << 12)
def _seconds(moment: str) -> float:
    """Return a moment of a certificate in seconds since the epoch; reading it takes a quarter of a whole check."""
    return float(ssl.cert_time_to_seconds(moment))


def _late(request: HttpProbe, reached: Level) -> str:
    if reached is Level.NO_CONNECTION:
        return f"no connection within {min(CONNECT_SECONDS, request.seconds):g} s"
    return f"no whole answer within {request.seconds:g} s"


def _reason(error: Exception) -> str:
    """Tell a failed exchange in words."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"the certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or error}"
        case ConnectionRefusedError():
            return "the connection is refused"
    return f"the exchange failed: {error}"
