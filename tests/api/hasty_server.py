"""`conduit serve` whose limits of time and of connections are low, so that a test sees what happens beyond them."""

from __future__ import annotations

from conduit.api import events, server
from conduit.cli.main import run

events.LONGEST, events.HEARTBEAT = 8.0, 0.5  # type: ignore[misc]
server.HEAD_SECONDS, server.BODY_SECONDS, server.AT_ONCE = 2.0, 2.0, 150  # type: ignore[misc]
raise SystemExit(run(["serve"]))
