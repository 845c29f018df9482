"""JSON documents against the published schema, and saved plans."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from made_plans import Door, change_of, plan_of
from msgspec.structs import replace

from conduit.change import Action, Diff, FieldChange, Level, Origin, Outcome, Proof, Result
from conduit.decide import Suppressed
from conduit.errors import ConduitError, Diagnostic, Stale
from conduit.model import UNRESOLVED, Key, Late, Live, Ref, Secret, Source
from conduit.plan import Plan, Selection
from conduit.plan_json import errors_document, event_document, plan_document, report_document
from conduit.report import Event, EventKind, Report
from conduit.safety import MASS_DELETE
from conduit.saved_plan import read_plan, save_plan
from conduit.spec import Ignore

Check = Callable[[Mapping[str, Any]], None]
LATE = Ref(Key("certificate", "a"), "file", Late(Key("certificate", "a"), "file"))


def full_plan() -> Plan:
    return plan_of(
        change_of(Action.CREATE, "a", spec=Door(host="a.lan", password="hunter2", key=LATE)),
        change_of(Action.UPDATE, "b", FieldChange("host", "x", UNRESOLVED), origin=Origin.DRIFT),
        change_of(Action.UPDATE, "s", FieldChange("password", "hunter1", Secret("door-s"))),
        change_of(Action.REPLACE, "c", FieldChange("port", 80, 81)),
        change_of(Action.DELETE, "d", diff=Diff(reason="no longer declared")),
        change_of(Action.ADOPT, "e", diff=Diff(raw="--- live\n+++ declared\n-a\n+b")),
        unmanaged=(Live(Key("door", "z"), "z", {}, False, place="f:3"),),
        ignored=(Suppressed(Key("door", "f"), FieldChange("port", 1, 2), Ignore(path="port", reason="tried")),),
        unknown={"dnsmasq": "no answer"},
        unjudged={Key("record", "r"): "no answer"},
        warnings=("words", Diagnostic(MASS_DELETE, "kept", Source("f", 1), severity="warning")),
        unsafe=(Diagnostic(MASS_DELETE, "too many"),),
        selection=Selection((Key("door", "a"),), (Key("door", "b"),), 3),
    )


def test_a_plan_fits_the_schema_and_masks_secrets(check_document: Check) -> None:
    data = json.loads(json.dumps(plan_document(full_plan())))
    check_document(data)
    created, drifted, rotated = data["resource_changes"][:3]
    assert created["before"] is None
    assert created["after"]["password"] == "(secret)"
    assert created["after_sensitive"] == ["password"]
    assert created["after_unknown"] == ["key"]
    assert rotated["after"] == {"password": "[secret door-s]"}
    assert rotated["before_sensitive"] == ["password"]
    assert drifted["before"] == {"host": "x"}
    assert drifted["after"] == {}
    assert data["drift"] == ["door/b"]
    assert data["summary"]["state"] == "unknown"
    assert "hunter" not in json.dumps(data)


def test_a_document_that_lacks_a_name_does_not_fit(check_document: Check) -> None:
    broken = plan_document(full_plan())
    del broken["plan_digest"]
    with pytest.raises(AssertionError):
        check_document(broken)


def test_reports_events_and_errors_fit_the_schema(check_document: Check) -> None:
    key = Key("door", "a")
    outcome = Outcome(key, Action.CREATE, Result.FAILED, "no", 0.12345)
    report = Report(3, (outcome,), {key: Proof(key, Level.NO_TLS, "x", ("y",))}, ("w",), ("r",), 1.5)
    check_document(report_document(report))
    assert report_document(report)["exit_code"] == 4
    for kind in EventKind:
        check_document(event_document(Event(kind, None if kind is EventKind.STARTED else key, "caddy", "text")))
    check_document(errors_document([Diagnostic(MASS_DELETE, "s", None, "h", related=(("w", Source("f", 1)),))]))


def test_a_saved_plan_accepts_the_same_plan_and_keeps_its_selection(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    save_plan(path, full_plan())
    saved = read_plan(path)
    saved.require(full_plan())
    assert saved.selection == full_plan().selection
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_stale_plan_names_every_difference(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    same = change_of(Action.CREATE, "same")
    save_plan(path, plan_of(same, change_of(Action.CREATE, "gone"), change_of(Action.CREATE, "other")))
    fresh = plan_of(
        same,
        change_of(Action.CREATE, "new"),
        change_of(Action.CREATE, "other", native={"host": "elsewhere"}),
        digest="d1",
        versions={"caddy": "v2"},
    )
    with pytest.raises(Stale) as refused:
        read_plan(path).require(fresh)
    assert refused.value.exit_code == 5
    assert refused.value.diagnostics[0].summary == (
        "stale: door/new is a new change; door/gone needs no change any more; door/other would change differently; "
        "caddy has moved"
    )


def test_a_stale_plan_that_differs_in_much_counts_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    save_plan(path, plan_of())
    fresh = replace(plan_of(*(change_of(Action.CREATE, f"n{number}") for number in range(30))), digest="d1")
    with pytest.raises(Stale, match="and 20 more"):
        read_plan(path).require(fresh)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{}",
        '{"type": "plan", "format_version": "2.0"}',
        '{"type": "plan", "format_version": 1}',
        '{"type": "report", "format_version": "1.0"}',
        '{"type": "plan", "format_version": "1.0", "plan_digest": "x", "selection": {"targets": ["nokey"]}}',
        "\x00",
        "[" * 100_000,
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(ConduitError, match="CND-0451"):
        read_plan(path)


def test_a_missing_plan_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConduitError, match="No such file"):
        read_plan(tmp_path / "none.json")
