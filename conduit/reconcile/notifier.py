"""Tells people after each pass what is wrong with the site, through the channels of the settings."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from conduit.engine import Engine
from conduit.providers.notify import Sender
from conduit.reconcile.loop import Status
from conduit.reconcile.notices import DRIFT, FAILURE, Condition, Notices, expiring

SUSPENDED_SECONDS: Final = 86400.0
"""After that a suspension counts as forgotten, and is told."""
SETTLE_SECONDS: Final = 1.0
"""How long a process that ends waits for messages that are under way."""


class Notifier:
    """What a loop calls after each pass. Without channels it does nothing."""

    def __init__(self, engine: Engine) -> None:
        settings = engine.settings.notify
        self._now, self._notices = engine.now, Notices(settings.calm)
        self.sender = Sender(settings.channels, engine.secrets.get) if settings.channels else None
        self._host = os.uname().nodename

    def __call__(self, status: Status) -> None:
        """Send what follows from how the loop is doing."""
        if self.sender is None:
            return
        for notice in self._notices.take(conditions(status, self._now()), self._now()):
            title = f"{notice.kind} of {notice.about}" if notice.kind != notice.about else notice.kind
            self.sender.send(notice.kind, notice.about, f"conduit on {self._host}: {title}", notice.body)

    def settle(self) -> None:
        """Let what waits be sent, for a moment: the process is about to end."""
        if self.sender:
            self.sender.settle(SETTLE_SECONDS)


def conditions(status: Status, now: float) -> Iterator[Condition]:
    """Yield what is wrong at `now` (epoch seconds)."""
    yield from (Condition(FAILURE, subject, reason) for subject, reason in status.failing.items())
    yield from (Condition(DRIFT, str(key), "changed on the host") for key in status.snapshot.drift)
    held = status.snapshot.suspended
    if held and now - held.begun > SUSPENDED_SECONDS:
        yield Condition(FAILURE, "the loop", str(held))
    yield from expiring(status.snapshot.facts, now)
