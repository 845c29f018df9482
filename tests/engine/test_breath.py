"""A pause without computing before Caddy loads over what it serves for us, and before no other load."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from conduit.plan import Selection
from conduit.providers import caddy
from conduit.reconcile.asks import Passed, Tend
from conduit.reconcile.passes import Passes
from conduit.report import BREATH, ApplyOptions, Report
from tests.engine.conftest import World


def command(world: World) -> Report | None:
    """Apply as a command does."""
    engine = world.engine()
    return engine.apply(engine.plan(Selection()), ApplyOptions(prove=False, breath=BREATH))


def loop(world: World) -> Report | None:
    """Apply as the loop does."""
    passed = Passes(world.engine(), lambda event, content: None).carry_out(Tend())
    return passed.report if isinstance(passed, Passed) else None


@pytest.mark.parametrize("apply", [command, loop])
def test_requests_that_were_held_up_pass_before_a_load(
    world: World, monkeypatch: pytest.MonkeyPatch, apply: Callable[[World], Report | None]
) -> None:
    """Regression: the loop went without, and five times as many requests failed as when Caddy is loaded by hand."""
    pauses: list[float] = []
    monkeypatch.setattr(caddy, "time", SimpleNamespace(sleep=pauses.append, monotonic=caddy.time.monotonic))

    def applied(websockets: str) -> None:
        fields = f"upstream: '127.0.0.1:9', tls: off, websockets: {websockets}"
        world.site.write("web.yaml", f"services: {{web: {{{fields}}}}}\n")
        report = apply(world)
        assert report
        assert report.exit_code == 0

    applied("true")
    assert BREATH not in pauses
    applied("false")
    assert pauses.count(BREATH) == 1
