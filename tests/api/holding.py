"""An upstream that takes every connection and never answers, and knows how many it holds at this moment."""

from __future__ import annotations

import socket
import threading
from typing import Final

IDLE_SECONDS: Final = 60


class Holding:
    """Listens on a free port of loopback until `close`."""

    def __init__(self) -> None:
        self._held = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def held(self) -> int:
        """How many are connected and wait."""
        return self._held

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        try:
            while True:
                link, _ = self._listener.accept()
                threading.Thread(target=self._hold, args=(link,), daemon=True).start()
        except OSError:
            return

    def _hold(self, link: socket.socket) -> None:
        """Read until the other side has had enough."""
        self._count(1)
        link.settimeout(IDLE_SECONDS)
        try:
            with link:
                while link.recv(65536):
                    pass
        except OSError:
            pass
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._lock:
            self._held += change
