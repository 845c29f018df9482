"""A socket of our own to serve at, taken before anything else starts, so that a taken port is told and not logged."""

from __future__ import annotations

import socket
from typing import Final

from conduit.errors import Code, ConduitError, Diagnostic
from conduit.grammar import join_host_port

NOT_LISTENING = Code(
    "CND-2031",
    "the API cannot listen where it should",
    "Another program has the address and port, or this machine does not have the address. Choose another one under "
    "`api:` in conduit.yaml, or stop the other program.",
)
WAITING: Final = 1024
"""Connections the kernel holds until they are taken."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address and port. Raises `ConduitError`."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(WAITING)
    except OSError as error:
        found.close()
        summary = f"cannot listen at {join_host_port(host, port)}: {error.strerror}"
        raise ConduitError(Diagnostic(NOT_LISTENING, summary, hint="see api.host and api.port")) from error
    return found
