"""What nginx says at the marker's address: which generation of conduit's file it serves."""

from __future__ import annotations

import socket

from conduit.providers.generation import Generation
from conduit.providers.http_call import call

_LIMIT = 4096
_REQUEST = b"GET /generation HTTP/1.1\r\nHost: conduit\r\nConnection: close\r\n\r\n"


def ask(marker: tuple[str, int], seconds: float) -> Generation | None:
    """Return the generation nginx serves, None for none of ours. Raises OSError or `NotWhole` without an answer."""
    with socket.socket(socket.AF_INET6 if ":" in marker[0] else socket.AF_INET) as peer:
        peer.settimeout(seconds)
        peer.connect(marker)
        answer = call(peer, _REQUEST, seconds, _LIMIT, lambda: None)
    return Generation.read(answer.body.decode(errors="replace")) if answer.status == 200 else None
