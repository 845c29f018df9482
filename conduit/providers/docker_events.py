"""What Docker tells of itself: one long answer, a JSON object for each event, read until somebody says stop.

Source: https://docs.docker.com/reference/api/engine/version/v1.41/ ("Monitor events").
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from conduit.errors import Diagnostic, Unreadable
from conduit.providers.docker_api import AWAY, CONNECT_SECONDS

EVENTS: Final = {
    "type": ["container", "network", "volume", "image"],
    "event": [
        *("create", "start", "die", "stop", "kill", "oom", "pause", "unpause", "rename", "update", "destroy"),
        *("connect", "disconnect", "remove", "tag", "untag", "delete", "health_status"),
    ],
}
"""What may make the live state differ; a health check that runs a command tells nothing."""
PATIENCE: Final = 0.5
"""Seconds until it is looked again whether to stop."""
CHUNK: Final = 65536
HEAD_LIMIT: Final = 16384


def listen(path: Path, changed: Callable[[], None], stop: threading.Event) -> None:
    """Call `changed` for each burst of events until `stop`. Raises `Unreadable` when Docker ends the answer."""
    filters = quote(json.dumps(EVENTS), safe="")
    request = f"GET /events?filters={filters} HTTP/1.1\r\nHost: docker\r\n\r\n"
    try:
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(CONNECT_SECONDS)
            peer.connect(str(path))
            peer.sendall(request.encode("ascii"))
            rest = _after_head(peer)
            changed()
            peer.settimeout(PATIENCE)
            while not stop.is_set():
                if rest:
                    changed()
                try:
                    rest = peer.recv(CHUNK)
                except TimeoutError:
                    rest = b""
                    continue
                if not rest:
                    raise ConnectionError("it closed the connection")
    except OSError as error:
        summary = f"Docker at {path} tells of no events: {error.strerror or error}"
        raise Unreadable(Diagnostic(AWAY, summary, hint="check that it runs")) from error


def _after_head(peer: socket.socket) -> bytes:
    """Read the head of the answer and return what came behind it. Raises ConnectionError."""
    read = b""
    while b"\r\n\r\n" not in read:
        part = peer.recv(CHUNK)
        if not part or len(read) > HEAD_LIMIT:
            raise ConnectionError("it did not answer")
        read += part
    head, _, rest = read.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0] + b" ":
        raise ConnectionError("it refused to tell")
    return rest
