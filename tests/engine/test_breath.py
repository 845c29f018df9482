"""A pause without computing before Caddy loads over what it serves for us, and before no other load."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from conduit.plan import Selection
from conduit.providers import caddy
from conduit.report import ApplyOptions

BREATH = 0.0123


def test_requests_that_were_held_up_pass_before_a_load(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(caddy, "time", SimpleNamespace(sleep=pauses.append, monotonic=caddy.time.monotonic))

    def apply(websockets: bool) -> None:
        flag = str(websockets).lower()
        world.site.write("web.yaml", f"services: {{web: {{upstream: '127.0.0.1:9', tls: off, websockets: {flag}}}}}\n")
        engine = world.engine()
        done = engine.apply(engine.plan(Selection()), ApplyOptions(prove=False, breath=BREATH))
        assert done.exit_code == 0

    apply(websockets=True)
    assert BREATH not in pauses
    apply(websockets=False)
    assert pauses.count(BREATH) == 1
