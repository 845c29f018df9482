"""A pass that hangs is told apart from one that takes its time, so that the service manager starts the loop anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.engine import Engine
from conduit.manifests.settings_file import read_settings
from conduit.reconcile import passes
from conduit.reconcile.asks import Preview
from conduit.reconcile.worker import Worker
from tests.conftest import Site
from tests.failing import paused_at, reached


def test_a_pass_without_a_sign_of_life_is_not_alive(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wait_for: Callable[..., Any]
) -> None:
    """Regression: the watchdog was fed for as long as the thread was there."""
    gate = tmp_path / "gate"
    for name, value in paused_at("plan.observed", gate).items():
        monkeypatch.setenv(name, value)
    found = Worker(passes.Passes(Engine(read_settings(site.settings_file)), lambda event, content: None))
    found.start()
    preview = found.submit(Preview())
    wait_for(reached(gate).exists, "the pass is under way")
    assert found.alive
    monkeypatch.setattr(passes, "HANGS_SECONDS", 0.0)
    assert not found.alive
    gate.touch()
    preview.result(20)
    wait_for(lambda: found.alive, "the pass has ended")
    assert found.stop()
