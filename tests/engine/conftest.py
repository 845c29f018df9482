"""A site with the engine in this process, so that a test can look at the plan itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conduit.change import Change
from conduit.engine import Engine
from conduit.manifests.settings_file import read_settings
from conduit.model import FRAME
from conduit.plan import Plan, Selection
from conduit.report import ApplyOptions, Report


class World:
    """One site: each call uses a new engine, as each command does."""

    def __init__(self, site: Any) -> None:
        self.site = site

    def engine(self) -> Engine:
        return Engine(read_settings(self.site.settings_file))

    def plan(self, **selection: Any) -> Plan:
        engine = self.engine()
        plan = engine.plan(Selection(**selection))
        engine.keep_evidence(plan)
        return plan

    def apply(self, prove: bool = True, **selection: Any) -> Report:
        engine = self.engine()
        engine.recover()
        return engine.apply(engine.plan(Selection(**selection)), ApplyOptions(prove=prove, timeout=10))

    def go_back(self, planned: Callable[..., Plan], *words: str) -> Plan:
        """Plan what was, as `undo` or `rollback` does, apply it, and return the plan."""
        engine = self.engine()
        plan = planned(engine, *words)
        assert engine.apply(plan).exit_code == 0
        return plan

    def changes(self) -> list[Change]:
        """The changes of a plan without those of frames."""
        return [change for change in self.plan().changes if change.key.kind != FRAME]


@pytest.fixture
def world(site: Any) -> World:
    """An empty site, up."""
    return World(site)


@pytest.fixture
def service(world: World, upstream: Callable[..., Any]) -> World:
    """A site with one service on TLS, applied; its upstream is the echo server."""
    address = upstream().address
    world.site.write("web.yaml", f"services:\n  web:\n    upstream: {address}\n    health: {{path: /health}}\n")
    assert world.apply().exit_code == 0
    return world


@pytest.fixture
def quiet(service: World) -> World:
    """The site with one service, an answer kept."""
    from tests.engine.settled_world import is_settled

    assert service.plan().empty
    assert is_settled(service)
    return service
