"""What a service tells the manager that started it, over its datagram socket; without one nothing is told.

Source: sd_notify(3), systemd.service(5) (Type=notify, WatchdogSec=).
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Final

MICROSECONDS: Final = 1_000_000


class ServiceManager:
    """The manager named in the environment, whose variables are taken out: children are not to speak for us."""

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        watchdog, pid = os.environ.pop("WATCHDOG_USEC", ""), os.environ.pop("WATCHDOG_PID", "")
        ours = not pid or pid == str(os.getpid())
        self.watchdog = int(watchdog) / MICROSECONDS if ours and watchdog.isascii() and watchdog.isdigit() else None
        """Seconds within which it wants to hear that we live; None when it does not watch."""

    def tell(self, **words: str | int) -> None:
        """Send assignments such as READY=1. Never fails: whoever listens may be gone."""
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        text = "\n".join(f"{name}={' '.join(str(value).split())}" for name, value in words.items())
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as peer:
            peer.settimeout(1.0)
            peer.sendto(text.encode(), address)
