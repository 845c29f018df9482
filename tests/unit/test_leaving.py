"""What was removed by name is on its way out until somebody has seen it gone."""

from __future__ import annotations

from conduit.change import Action, Outcome, Result
from conduit.model import Key
from conduit.plan import Selection
from conduit.reconcile.leaving import Leaving
from conduit.report import Report
from tests.unit.kit import desired, lamp, live, observed, plan, resource

GONE, OTHER = Key("lamp", "gone"), Key("lamp", "other")
NOTHING = Report(0, (), {})


def leaving() -> Leaving:
    found = Leaving()
    found.add({GONE: (GONE,)})
    found.begin()
    return found


def test_what_is_gone_is_forgotten() -> None:
    found = leaving()
    made = plan(desired(), observed(live("lamp/gone", lamp())))
    done = Outcome(GONE, Action.DELETE, Result.OK)
    found.end(made, Report(0, (done,), {}), {})
    assert found.roots == {}


def test_what_failed_to_go_is_remembered() -> None:
    found = leaving()
    found.end(plan(desired(), observed(live("lamp/gone", lamp()))), NOTHING, {})
    assert found.named == (GONE,)


def test_what_a_pass_left_alone_is_remembered() -> None:
    """Regression: a pass of the loop that applied something else forgot it, and then it counted as a mass deletion."""
    found = leaving()
    seen = observed(live("lamp/gone", lamp()), live("lamp/other", lamp(watts=9)))
    made = plan(desired(resource("lamp/other")), seen, selection=Selection(excludes=(GONE,)))
    assert OTHER in {change.key for change in made.changes}
    found.end(made, NOTHING, {OTHER: None})
    assert found.named == (GONE,)
