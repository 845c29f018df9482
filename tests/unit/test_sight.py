"""What somebody who reaches one deployment is told of documents: nothing that is not known to be within reach."""

from __future__ import annotations

from conduit.api.sight import UNTOLD, Sight
from conduit.expand import Desired
from conduit.identity.caller import Caller
from conduit.resources import load_kinds

NOTHING = Desired({}, {}, {}, {}, {})
ADMIN = Caller("root", admin=True)
LIMITED = Caller("w", frozenset({"system:read", "deployments:read"}), deployments={"wiki": "read"})
TOLD = {
    "type": "plan",
    "selection": {"targets": ["deployment/wiki", "deployment/shop"], "excludes": ["volume/hidden"], "allow_deletes": 1},
    "resource_changes": [{"address": "deployment/wiki"}, {"address": "volume/hidden"}],
    "unknown": [{"provider": "docker", "reason": "volume/hidden stands in the way"}],
    "summary": {"create": 2},
    "novelties": [{"address": "volume/hidden"}],
}


def sight(caller: Caller = LIMITED) -> Sight:
    return Sight(caller, load_kinds(), NOTHING)


def test_who_reaches_everything_is_told_everything() -> None:
    assert sight(ADMIN).document(TOLD) == TOLD


def test_of_a_list_that_nobody_judged_nothing_is_told() -> None:
    assert sight().document(TOLD)["novelties"] == []


def test_a_plan_tells_of_what_was_selected_only_what_is_within_reach() -> None:
    left = sight().document(TOLD)
    assert left["selection"] == {"targets": ["deployment/wiki"], "excludes": [], "allow_deletes": 1}
    assert left["resource_changes"] == [{"address": "deployment/wiki"}]


def test_a_daemon_that_cannot_be_read_is_named_without_the_words_of_why() -> None:
    assert sight().document(TOLD)["unknown"] == [{"provider": "docker", "reason": UNTOLD}]


def test_what_names_nothing_stays() -> None:
    left = sight().document(TOLD)
    assert (left["type"], left["summary"]) == ("plan", {"create": 2})
