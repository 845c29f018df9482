"""An apply of more sites than can be proven in time because their upstreams hang."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conduit import proving
from conduit.model import Key
from conduit.report import Report
from conduit.touched import TOO_MANY
from tests.engine.conftest import World


def routes(report: Report) -> dict[str, tuple[str, str]]:
    return {each.key.name: (str(each.result), each.reason) for each in report.outcomes if each.key.kind == "route"}


def test_upstreams_that_hang_hold_an_apply_up_for_a_bounded_time(
    world: World, upstream: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: each of a thousand was waited for, sixteen at once and five seconds long, before and after."""
    monkeypatch.setattr(proving, "SECONDS", 1.0)
    monkeypatch.setattr(proving, "SECONDS_EACH", 0.0)
    well, hangs = upstream().address, upstream("hanging", hang=True).address
    names = [f"hangs-{number}" for number in range(20)]

    def applied(websockets: str) -> Report:
        rows = [f"  {name}: {{upstream: '{hangs}', tls: off, websockets: {websockets}}}\n" for name in names]
        answers = f"  answers: {{upstream: '{well}', tls: off, websockets: {websockets}}}\n"
        world.site.write("sites.yaml", f"services:\n{answers}{''.join(rows)}")
        return world.apply()

    for websockets in ("true", "false"):
        report = applied(websockets)
        assert report.exit_code == 0
        assert routes(report) == {"answers": ("ok", ""), **dict.fromkeys(names, ("unproven", TOO_MANY))}
        assert not world.changes(), "nothing was taken back for want of a proof"
    assert world.engine().history.unproven() == {Key("service", name) for name in names}, "the next apply asks again"
