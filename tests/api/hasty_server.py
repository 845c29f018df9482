"""`conduit serve` whose limits of time are short, so that a test sees what happens when one is over."""

from __future__ import annotations

from conduit.api import events, server
from conduit.cli.main import run

events.LONGEST, events.HEARTBEAT = 8.0, 0.5  # type: ignore[misc]
server.HEAD_SECONDS, server.BODY_SECONDS = 2.0, 2.0  # type: ignore[misc]
raise SystemExit(run(["serve"]))
