"""The end of an apply and diagnostics as text."""

from __future__ import annotations

import pytest

from conduit.change import Action, Level, Outcome, Proof, Result
from conduit.errors import Diagnostic
from conduit.model import Key, Source
from conduit.report import Event, EventKind, Report
from conduit.safety import MASS_DELETE
from conduit.show.diagnostics import problems_lines
from conduit.show.report import event_line, report_lines
from conduit.show.text import View

VIEW = View()
A, B = Key("door", "a"), Key("door", "b")


def text_of(*outcomes: Outcome, **words: object) -> str:
    proofs = words.pop("proofs", {})
    return "\n".join(report_lines(Report(1, outcomes, proofs, **words), VIEW))  # type: ignore[arg-type]


def test_a_complete_apply_says_what_was_done() -> None:
    text = text_of(Outcome(A, Action.CREATE, Result.OK), Outcome(B, Action.DELETE, Result.OK), seconds=2.5)
    assert text == "Apply complete: 1 added, 0 changed, 1 destroyed.  2.5 s"


@pytest.mark.parametrize(
    ("result", "word"),
    [(Result.FAILED, "FAILED"), (Result.REVERTED, "REVERTED"), (Result.QUARANTINED, "QUARANTINED")],
)
def test_an_incomplete_apply_names_both_sides_and_the_next_command(result: Result, word: str) -> None:
    text = text_of(Outcome(A, Action.UPDATE, Result.OK), Outcome(B, Action.UPDATE, result, "the daemon said no"))
    assert "applied: door/a" in text
    assert f"{word:<11} door/b  the daemon said no" in text
    assert f"Apply incomplete: 0 added, 1 changed, 0 destroyed, 1 {word} (door/b)." in text
    assert "next: conduit diff -t door/b" in text


def test_what_was_not_attempted_is_named_with_its_reason() -> None:
    text = text_of(Outcome(B, Action.UPDATE, Result.SKIPPED, "door/a failed"), unread=True)
    assert "SKIPPED     door/b  door/a failed" in text
    assert "next: conduit doctor" in text


def test_what_nobody_can_judge_is_told_by_the_plan_and_no_matter_of_the_daemons() -> None:
    text = text_of(Outcome(A, Action.CREATE, Result.OK), unjudged=True)
    assert "next: conduit diff    tells what is not known" in text
    assert "doctor" not in text


def test_a_reason_of_several_stands_at_the_first_of_them() -> None:
    reverted = [Outcome(key, Action.UPDATE, Result.REVERTED, "a.lan: 502 from the proxy") for key in (A, B)]
    text = text_of(*reverted, Outcome(Key("door", "c"), Action.UPDATE, Result.SKIPPED, "it needs door/b"))
    assert text.splitlines()[:3] == [
        "REVERTED    door/a  a.lan: 502 from the proxy",
        "REVERTED    door/b  as door/a",
        "SKIPPED     door/c  it needs door/b",
    ]


def test_unproven_is_complete_with_a_warning_that_tells_why() -> None:
    proofs = {A: Proof(A, Level.PROXY_ERROR, "502 from the proxy")}
    text = text_of(Outcome(A, Action.CREATE, Result.UNPROVEN), proofs=proofs)
    assert "warning: applied, but unproven: door/a: 502 from the proxy" in text
    assert "Apply complete: 1 added" in text


def test_an_interrupted_apply_says_how_to_go_on() -> None:
    text = text_of(Outcome(A, Action.CREATE, Result.OK), interrupted=True)
    assert "Apply interrupted: 1 added" in text
    assert "next: conduit apply" in text


def test_hostile_reasons_are_escaped() -> None:
    text = text_of(Outcome(A, Action.CREATE, Result.FAILED, "\x1b]0;x\x07\u202e"), warnings=("\x1b[2J",))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert "\x1b" not in event_line(Event(EventKind.WAITING, A, "caddy", "\x1b[2J"), "")


def test_a_diagnostic_shows_the_line_the_caret_the_hint_and_the_code() -> None:
    problem = Diagnostic(
        MASS_DELETE,
        'unknown key "upsteam" in service',
        Source("desired/web.yaml", 12, 5),
        'did you mean "upstream"?',
        "    upsteam: 10.0.0.5:80",
        (("the first", Source("desired/a.yaml", 1)),),
    )
    assert list(problems_lines([problem], VIEW)) == [
        'desired/web.yaml:12:5: error: unknown key "upsteam" in service [CND-0401]',
        "    12 |     upsteam: 10.0.0.5:80",
        "       |     ^^^^^^^",
        '  hint: did you mean "upstream"?',
        "  see:  the first at desired/a.yaml:1",
        "1 error; `conduit explain CND-0401` tells more",
    ]


def test_the_caret_stands_right_after_tabs_and_escaped_characters() -> None:
    problem = Diagnostic(MASS_DELETE, "x", Source("f", 1, 4), line="\t\x1b=wrong")
    _, line, caret, _ = problems_lines([problem], VIEW)
    assert caret.index("^") == line.index("wrong")
