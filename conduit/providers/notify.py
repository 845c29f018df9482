"""Messages to people, through whatever apprise knows: mail, ntfy, chat, webhooks. See https://appriseit.com.

Each channel is a URL, which may hold a password: it is never logged.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from conduit.errors import ConduitError
from conduit.model import Secret
from conduit.settings import Channel

WAITING: Final = 200
"""Messages that may wait to be sent; one more is dropped and counted."""


class Sender:
    """Sends from a thread of its own, so that a channel that hangs or fails delays nothing and changes nothing."""

    def __init__(self, channels: Mapping[str, Channel], secret: Callable[[str], str]) -> None:
        self.failures: Counter[str] = Counter()
        """Messages that were not sent, by channel."""
        self._channels, self._secret = dict(channels), secret
        self._queue: queue.Queue[tuple[str, str, str]] = queue.Queue(WAITING)
        threading.Thread(target=self._run, name="notify", daemon=True).start()

    def send(self, kind: str, about: str, title: str, body: str) -> None:
        """Queue a message for every channel that wants its kind and what it is about. Never fails."""
        for name, channel in self._channels.items():
            if {kind, about} <= set(channel.events):
                try:
                    self._queue.put_nowait((name, title, body))
                except queue.Full:
                    self.failures[name] += 1

    def settle(self, seconds: float) -> None:
        """Give what waits up to `seconds` to be sent."""
        done = threading.Thread(target=self._queue.join, daemon=True)
        done.start()
        done.join(seconds)

    def _run(self) -> None:
        from apprise import Apprise

        log = logging.getLogger("apprise")
        log.addHandler(logging.NullHandler())
        log.propagate = False
        while True:
            name, title, body = self._queue.get()
            sent = False
            with suppress(Exception):
                channel = Apprise()
                sent = channel.add(self._url(name)) and bool(channel.notify(body=body, title=title))
            self.failures[name] += not sent
            self._queue.task_done()

    def _url(self, name: str) -> str:
        url = self._channels[name].url
        with suppress(ConduitError):
            return self._secret(url.name) if isinstance(url, Secret) else url
        return ""
