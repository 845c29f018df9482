"""What a plan says, decided on hand-made observations."""

from __future__ import annotations

import pytest

from conduit.change import Action, FieldChange, Origin
from conduit.model import Claim, Key, Late
from conduit.plan import Plan, Selection
from conduit.spec import Ignore
from tests.unit.kit import BulbSpec, LampSpec, RoomSpec, desired, lamp, live, observed, plan, resource


def actions(made: Plan) -> list[tuple[str, str]]:
    return [(str(change.key), change.action.value) for change in made.changes if change.key.kind != "frame"]


def test_equal_live_and_wish_make_an_empty_plan() -> None:
    made = plan(desired(resource("lamp/a")), observed(live("lamp/a", lamp())))
    assert made.empty
    assert made.unchanged == 1


def test_a_spelled_out_default_equals_an_absent_field() -> None:
    made = plan(desired(resource("lamp/a", LampSpec(watts=5))), observed(live("lamp/a", lamp())))
    assert made.empty


def test_a_difference_is_told_in_fields_with_live_and_wish() -> None:
    made = plan(desired(resource("lamp/a", LampSpec(watts=9))), observed(live("lamp/a", lamp())))
    assert actions(made) == [("lamp/a", "update")]
    assert made.changes[0].diff.fields == (FieldChange("watts", 5, 9),)
    assert made.changes[0].source.line == 1


def test_an_object_beyond_what_parses_is_told_as_raw_text() -> None:
    made = plan(desired(resource("lamp/a")), observed(live("lamp/a", lamp() | {"dimmer": 3})))
    assert '-  "dimmer": 3' in made.changes[0].diff.raw


def test_an_immutable_field_replaces() -> None:
    made = plan(desired(resource("lamp/a", LampSpec(room="hall"))), observed(live("lamp/a", lamp())))
    assert actions(made) == [("lamp/a", "replace")]


@pytest.mark.parametrize(
    ("wish", "there", "last", "origin"),
    [
        (9, 5, 5, Origin.PENDING),
        (5, 9, 5, Origin.DRIFT),
        (9, 7, 5, Origin.BOTH),
        (9, 5, None, Origin.UNKNOWN),
    ],
)
def test_pending_is_told_from_drift(wish: int, there: int, last: int | None, origin: Origin) -> None:
    applied = {} if last is None else {"lamp/a": lamp(watts=last)}
    made = plan(desired(resource("lamp/a", LampSpec(watts=wish))), observed(live("lamp/a", lamp(watts=there))), applied)
    assert [change.origin for change in made.changes] == [origin]


def test_without_any_records_every_origin_is_unknown_and_the_changes_are_the_same() -> None:
    wish, seen = desired(resource("lamp/a", LampSpec(watts=9))), observed(live("lamp/a", lamp()))
    with_records, without = plan(wish, seen, {"lamp/a": lamp()}), plan(wish, seen)
    assert [change.origin for change in without.changes] == [Origin.UNKNOWN]
    assert with_records.digest == without.digest


def test_an_owned_object_nobody_declares_is_deleted_and_a_foreign_one_is_listed() -> None:
    seen = observed(live("lamp/a", lamp()), live("lamp/old", lamp(watts=1)), live("lamp/x", lamp(watts=2), owned=False))
    made = plan(desired(resource("lamp/a")), seen)
    assert actions(made) == [("lamp/old", "delete")]
    assert [str(each.key) for each in made.unmanaged] == ["lamp/x"]


def test_a_foreign_object_with_the_same_claims_is_adopted() -> None:
    stranger = live("lamp/x", lamp(), owned=False, claims=frozenset({Claim("spot", ("study", "white"))}))
    made = plan(desired(resource("lamp/a")), observed(stranger))
    assert actions(made) == [("lamp/a", "adopt")]
    assert made.unmanaged == ()


def test_a_protected_object_outlives_its_declaration() -> None:
    seen = observed(live("lamp/a", lamp()), live("lamp/old", lamp(), protected=True))
    made = plan(desired(resource("lamp/a")), seen)
    assert made.empty
    assert "lamp/old is protected" in str(made.warnings[0])


def test_protection_is_a_change_of_its_own() -> None:
    made = plan(desired(resource("lamp/a", protect=True)), observed(live("lamp/a", lamp())))
    assert made.changes[-1].diff.fields == (FieldChange("protect", False, True),)


def test_protection_that_was_just_declared_is_no_drift() -> None:
    made = plan(desired(resource("lamp/a", protect=True)), observed(live("lamp/a", lamp())), {"lamp/a": lamp()})
    assert [change.origin for change in made.changes] == [Origin.PENDING]


def test_deleting_more_than_the_budget_needs_the_count() -> None:
    seen = observed(*(live(f"lamp/n{n}", lamp()) for n in range(10)))
    wish = desired(*(resource(f"lamp/n{n}", LampSpec(room=f"r{n}")) for n in range(6)))
    assert "4 of 10 lamp" in plan(wish, seen).unsafe[0].summary
    assert plan(wish, seen, selection=Selection(allow_deletes=3)).unsafe
    assert not plan(wish, seen, selection=Selection(allow_deletes=4)).unsafe


def test_the_count_of_allowed_deletions_must_be_the_planned_one() -> None:
    """A number that is too large was not read off this plan either."""
    seen = observed(*(live(f"lamp/n{n}", lamp()) for n in range(3)))
    (refused,) = plan(desired(), seen, selection=Selection(allow_deletes=4)).unsafe
    assert refused.hint.endswith("use --allow-deletes 3, not 4")
    assert not plan(desired(), seen, selection=Selection(allow_deletes=3)).unsafe


def test_deleting_everything_is_never_a_matter_of_course() -> None:
    made = plan(desired(), observed(live("lamp/a", lamp())))
    assert "all 1 objects" in made.unsafe[0].summary


def test_what_is_protected_does_not_make_an_empty_tree_look_whole() -> None:
    """Regression: one protected object was enough to lose all others with the last manifest."""
    lost = (live("lamp/a", lamp()), live("lamp/b", lamp()))
    made = plan(desired(), observed(*lost, live("lamp/old", lamp(), protected=True)))
    assert "nothing that is live is declared any more, and the plan would delete 2 objects" in made.unsafe[0].summary
    still = plan(desired(resource("lamp/old", protect=True)), observed(*lost, live("lamp/old", lamp(), protected=True)))
    assert not still.unsafe


def test_an_unreadable_provider_is_unknown_and_prunes_nothing() -> None:
    seen = observed(live("bulb/b", {"size": 1}), unreadable={"desk": "it is down"})
    made = plan(desired(resource("bulb/b"), resource("lamp/a")), seen)
    assert made.empty
    assert made.unknown == {"desk": "it is down"}
    assert made.unjudged == {Key("lamp", "a"): "it is down"}


def test_what_refers_to_something_unknown_is_unknown_too() -> None:
    seen = observed(live("lamp/r", lamp(room="r")), unreadable={"shop": "it is down"})
    made = plan(desired(resource("room/r", RoomSpec(colour="red"))), seen)
    assert actions(made) == []
    assert "bulb/r" in made.unjudged[Key("lamp", "r")]


def test_a_reference_resolves_to_the_live_fact_or_waits_for_it() -> None:
    wish = desired(resource("room/r"))
    first = plan(wish, observed())
    late = next(change for change in first.changes if change.key.kind == "lamp").native["bulb"]
    assert late == Late(Key("bulb", "r"), "serial")
    there = live("bulb/r", {"size": 1}, facts={"serial": "S1"})
    second = plan(wish, observed(there))
    assert next(change for change in second.changes if change.key.kind == "lamp").native["bulb"] == "S1"


def test_a_changed_dependency_makes_its_facts_late_again() -> None:
    wish = desired(resource("bulb/b", BulbSpec(size=2)), resource("lamp/a", LampSpec(bulb="b")))
    seen = observed(live("bulb/b", {"size": 1}, facts={"serial": "S1"}), live("lamp/a", lamp() | {"bulb": "S1"}))
    assert actions(plan(wish, seen)) == [("bulb/b", "update"), ("lamp/a", "update")]


def test_an_older_generation_is_superseded_outside_the_budget() -> None:
    seen = observed(live("bulb/b", {"size": 1}, id="new"), live("bulb/b", {"size": 9}, id="old"))
    made = plan(desired(resource("bulb/b")), seen)
    assert [(change.live.id, change.action) for change in made.changes if change.live] == [("old", Action.DELETE)]
    assert not made.unsafe


def test_a_second_copy_in_a_document_is_an_update_not_a_deletion() -> None:
    seen = observed(live("lamp/a", lamp(), id="1"), live("lamp/a", lamp(), id="2"))
    made = plan(desired(resource("lamp/a")), seen)
    assert actions(made) == [("lamp/a", "update")]
    assert "more than once" in made.changes[-1].diff.reason


def test_an_ignored_field_keeps_its_live_value_and_is_counted() -> None:
    entry = Ignore(path="watts", reason="dimmed by hand")
    wish = resource("lamp/a", LampSpec(watts=9, colour="red"), ignore=(entry,))
    made = plan(desired(wish), observed(live("lamp/a", lamp())))
    assert [field.path for field in made.changes[-1].diff.fields] == ["colour"]
    assert made.changes[-1].native["w"] == 5
    assert [(each.field.path, each.entry) for each in made.ignored] == [("watts", entry)]


def test_an_ignore_that_has_ended_ignores_nothing() -> None:
    entry = Ignore(path="watts", reason="until the new year", until="2027-01-01T00:00:00+00:00")
    wish = desired(resource("lamp/a", LampSpec(watts=9), ignore=(entry,)))
    seen = observed(live("lamp/a", lamp()))
    assert plan(wish, seen, now=1_798_761_599.0).empty
    assert not plan(wish, seen, now=1_798_761_601.0).empty


def test_an_ignored_entry_of_a_mapping_leaves_the_others() -> None:
    entry = Ignore(path="labels.a", reason="set by hand")
    wish = resource("lamp/a", LampSpec(labels={"a": "1", "b": "2"}), ignore=(entry,))
    made = plan(desired(wish), observed(live("lamp/a", lamp(labels={"a": "9", "b": "9"}))))
    assert made.changes[-1].native["l"] == {"a": "9", "b": "2"}


def test_the_frame_is_a_key_of_its_own() -> None:
    seen = observed(live("lamp/a", lamp()), frame={"lamps": 7})
    made = plan(desired(resource("lamp/a")), seen)
    assert [str(change.key) for change in made.changes] == ["frame/desk"]
    assert made.changes[0].diff.fields == (FieldChange("lamps", 7, 1),)


def test_an_older_served_generation_is_a_difference() -> None:
    made = plan(desired(resource("lamp/a")), observed(live("lamp/a", lamp()), stale="serves generation 1"))
    assert made.changes[0].diff.reason == "serves generation 1"


def test_a_target_limits_the_plan_and_its_deletions() -> None:
    seen = observed(live("lamp/old", lamp()))
    wish = desired(resource("lamp/a"), resource("lamp/b", LampSpec(room="b")))
    made = plan(wish, seen, selection=Selection(targets=(Key("lamp", "a"),)))
    assert actions(made) == [("lamp/a", "create")]


def test_an_exclude_leaves_a_whole_root_out() -> None:
    wish = desired(resource("room/r"), resource("lamp/b", LampSpec(room="b")))
    assert actions(plan(wish, observed(), selection=Selection(excludes=(Key("room", "r"),)))) == [("lamp/b", "create")]


def test_the_digest_covers_changes_and_live_versions_but_not_the_origin() -> None:
    wish, seen = desired(resource("lamp/a", LampSpec(watts=9))), observed(live("lamp/a", lamp()))
    digest = plan(wish, seen).digest
    assert plan(wish, seen, {"lamp/a": lamp()}).digest == digest
    assert plan(wish, observed(live("lamp/a", lamp(watts=7)))).digest != digest
    assert plan(desired(resource("lamp/a", LampSpec(watts=8))), seen).digest != digest
