"""A plan as text: symbols, fields, drift, secrets, hostile text, and the last line."""

from __future__ import annotations

import pytest
from made_plans import Door, change_of, plan_of

from conduit.change import Action, Diff, FieldChange, Origin
from conduit.decide import Suppressed
from conduit.errors import Diagnostic
from conduit.model import UNRESOLVED, Claim, Key, Late, Live, Ref, Secret, Source
from conduit.plan import Plan, Selection
from conduit.safety import MASS_DELETE
from conduit.show.markdown import markdown_lines
from conduit.show.plan import plan_lines
from conduit.show.summary import State, Summary
from conduit.show.text import View, ansi
from conduit.spec import Ignore

NOW = 1_800_000_000.0
HOSTILE = "\x1b[2J\u202egnp.exe\r\x07\u2028end"


def text_of(plan: Plan, **words: object) -> str:
    return "\n".join(plan_lines(plan, View(now=NOW, **words)))  # type: ignore[arg-type]


def sentence(plan: Plan) -> str:
    return Summary.of(plan).sentence(NOW)


def test_every_action_has_its_symbol_and_the_legend_names_the_used_ones() -> None:
    moved = FieldChange("port", 80, 81)
    plan = plan_of(
        change_of(Action.CREATE, "a"),
        change_of(Action.UPDATE, "b", FieldChange("host", "old.lan", "new.lan")),
        change_of(Action.REPLACE, "c", moved),
        change_of(Action.DELETE, "d", diff=Diff(reason="no longer declared")),
    )
    text = text_of(plan)
    assert "    + door/a " in text
    assert "    ~ door/b " in text
    assert "  -/+ door/c " in text
    assert "    - door/d " in text
    assert '"old.lan" → "new.lan"' in text
    assert "replaced, because port cannot change in place" in text
    assert "no longer declared" in text
    assert "+ add  ~ change  -/+ replace  - destroy" in text
    assert "desired/doors.yaml:3:3" in text
    assert "impact: reload, nothing dropped" in text
    assert text.endswith("Plan: 1 to add, 1 to change, 1 to replace, 1 to destroy.")


def test_leaves_are_grouped_under_the_root_that_declares_them() -> None:
    root = Key("house", "h")
    plan = plan_of(change_of(Action.CREATE, "a", root=root), change_of(Action.CREATE, "b", root=root))
    lines = text_of(plan).splitlines()
    assert lines[0] == "house/h  desired/doors.yaml:3:3"
    assert sum("desired/doors.yaml" in line for line in lines) == 1


def test_what_stands_by_itself_is_not_taken_for_a_part_of_what_stands_above() -> None:
    root = Key("house", "h")
    lines = text_of(plan_of(change_of(Action.CREATE, "a", root=root), change_of(Action.CREATE, "b"))).splitlines()
    above = lines.index(next(line for line in lines if "door/b" in line)) - 1
    assert lines[above] == ""


@pytest.mark.parametrize("width", [70, 80, 120])
def test_where_the_terminal_is_narrow_the_impact_has_a_line_of_its_own(width: int) -> None:
    lines = text_of(plan_of(change_of(Action.CREATE, "a")), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert ("door/a" in lines[0], "impact: reload, nothing dropped" in lines[0]) == (True, width > 100)
    assert "        impact: reload, nothing dropped  desired/doors.yaml:3:3" in lines or width > 100


@pytest.mark.parametrize(
    ("origin", "words"),
    [(Origin.DRIFT, "changed on the host (not in git)"), (Origin.BOTH, "changed on the host and in git")],
)
def test_drift_is_marked_by_sign_and_word_and_counted(origin: Origin, words: str) -> None:
    plan = plan_of(change_of(Action.UPDATE, "a", FieldChange("host", "x", "y"), origin=origin))
    text = text_of(plan)
    assert "!   ~ door/a" in text
    assert f"DRIFT: {words}" in text
    assert "! drift" in text
    assert "Drift: 1." in text


def test_no_field_shows_a_value_that_is_write_only() -> None:
    plan = plan_of(
        change_of(Action.CREATE, "a", spec=Door(host="a.lan", password="hunter2")),
        change_of(Action.UPDATE, "b", FieldChange("password", "hunter1", Secret("door-b"))),
        change_of(
            Action.UPDATE,
            "c",
            spec=Door(host="c.lan", password="hunter3"),
            diff=Diff(raw="--- live\n+++ declared\n-pw hunter3\n+$2b$10$" + "a" * 53),
        ),
    )
    text = text_of(plan, verbosity=2)
    assert "hunter" not in text
    assert "$2b$" not in text
    assert "(secret) → [secret door-b]" in text


def test_a_value_that_is_not_known_yet_says_so() -> None:
    late = Ref(Key("certificate", "a"), "file", Late(Key("certificate", "a"), "file"))
    text = text_of(plan_of(change_of(Action.CREATE, "a", spec=Door(host="a.lan", key=late))))
    assert "(known after apply)" in text


def test_long_values_are_folded_where_they_differ_and_shown_whole_on_demand() -> None:
    old, new = "x" * 500 + "old", "x" * 500 + "new"
    plan = plan_of(change_of(Action.UPDATE, "a", FieldChange("host", old, new)))
    text = text_of(plan, width=80)
    assert 'old" → …' in text
    assert 'new"' in text
    assert max(map(len, text.splitlines())) < 160
    assert "x" * 500 in text_of(plan, width=80, verbosity=2)


def test_a_text_of_many_lines_is_shown_as_a_unified_diff() -> None:
    text = text_of(plan_of(change_of(Action.UPDATE, "a", FieldChange("text", "one\ntwo\n", "one\nthree\n"))))
    assert "-two" in text
    assert "+three" in text


def test_hostile_text_cannot_reach_the_terminal() -> None:
    spec = Door(host="a.lan", text=HOSTILE)
    plan = plan_of(
        change_of(Action.CREATE, "a", spec=spec, source=Source(f"desired/{HOSTILE}.yaml", 1, 1)),
        change_of(Action.UPDATE, "b", FieldChange(f"text{HOSTILE}", HOSTILE, f"x\n{HOSTILE}")),
        change_of(Action.UPDATE, "c", diff=Diff(raw=f"-{HOSTILE}\n+x", reason=HOSTILE)),
        unmanaged=(Live(Key("door", "z"), "z", {}, False, place=HOSTILE),),
        unknown={"caddy": HOSTILE},
        unjudged={Key("door", "y"): HOSTILE},
        warnings=(HOSTILE, Diagnostic(MASS_DELETE, HOSTILE, hint=HOSTILE, severity="warning")),
        unsafe=(Diagnostic(MASS_DELETE, HOSTILE, Source(HOSTILE, 1, 1), line=HOSTILE),),
        commit=HOSTILE,
    )
    for verbosity in (-1, 0, 2):
        text = text_of(plan, verbosity=verbosity)
        assert all(line.isprintable() for line in text.splitlines())
        assert not {"\x1b", "\r", "\x07", "\u202e", "\u2028"} & set(text)


def test_colour_is_only_added() -> None:
    plan = plan_of(change_of(Action.UPDATE, "a", FieldChange("host", "x", "y"), origin=Origin.DRIFT))
    coloured = text_of(plan, style=ansi)
    assert "\x1b[33m" in coloured
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text_of(plan)


def test_ignored_unmanaged_and_unchanged_are_counted_and_listed_on_demand() -> None:
    entry = Ignore(path="port", reason="tried by hand", until="2027-01-18T08:00:00Z")
    plan = plan_of(
        ignored=(Suppressed(Key("door", "a"), FieldChange("port", 1, 2), entry),),
        unmanaged=(Live(Key("door", "z"), "z", {}, False, claims=frozenset([Claim("listen", ("tcp",))]), place="f:3"),),
        unchanged=7,
    )
    assert "1 unmanaged object left alone" in text_of(plan)
    assert "Ignored: 1 (1 expires in 3 d)." in text_of(plan)
    listed = text_of(plan, verbosity=1)
    assert "tried by hand" in listed
    assert "door/z" in listed
    assert "Unchanged: 7." in listed


def test_quiet_shows_the_last_line_and_what_is_unsafe() -> None:
    unsafe = Diagnostic(MASS_DELETE, "the plan would delete all 3 objects of this site", hint="use --allow-deletes 3")
    plan = plan_of(change_of(Action.CREATE, "a"), unsafe=(unsafe,))
    assert text_of(plan, verbosity=-1).splitlines() == [
        "error: the plan would delete all 3 objects of this site [CND-0401]",
        "  hint: use --allow-deletes 3",
        "Plan: 1 to add, 0 to change, 0 to replace, 0 to destroy.",
    ]


def test_the_empty_sentence_names_the_commit_and_is_never_said_of_the_unknown() -> None:
    assert sentence(plan_of(commit="4f2a91c0d1")) == "No changes. Live state matches desired/ (HEAD is 4f2a91c)."
    assert sentence(plan_of()) == "No changes. Live state matches desired/."
    partial = plan_of(selection=Selection(targets=(Key("door", "a"),)))
    assert sentence(partial) == "No changes to the selected resources."
    unknown = plan_of(unknown={"caddy": "no answer"}, unjudged={Key("door", "a"): "no answer"})
    assert sentence(unknown) == "No changes in what could be read.  UNKNOWN: 1 provider, 1 resource."
    assert "Live state matches" not in text_of(unknown)
    assert "UNKNOWN: no answer" in text_of(unknown)


@pytest.mark.parametrize(
    ("plan", "state"),
    [
        (plan_of(), State.IN_SYNC),
        (plan_of(change_of(Action.CREATE, "a")), State.PENDING),
        (plan_of(change_of(Action.CREATE, "a", origin=Origin.UNKNOWN)), State.PENDING),
        (plan_of(change_of(Action.CREATE, "a", origin=Origin.DRIFT), change_of(Action.CREATE, "b")), State.DRIFT),
        (plan_of(change_of(Action.CREATE, "a", origin=Origin.BOTH)), State.DRIFT),
        (plan_of(change_of(Action.CREATE, "a", origin=Origin.DRIFT), unknown={"x": "away"}), State.UNKNOWN),
        (plan_of(unjudged={Key("door", "a"): "away"}), State.UNKNOWN),
    ],
)
def test_the_state_of_a_plan_is_its_detailed_exit_code(plan: Plan, state: State) -> None:
    assert Summary.of(plan).state is state


def test_a_target_brings_a_warning_about_the_incomplete_plan() -> None:
    plan = plan_of(change_of(Action.CREATE, "a"), selection=Selection(targets=(Key("door", "a"),)))
    assert "warning: incomplete plan" in text_of(plan)


def test_markdown_cannot_be_closed_from_inside() -> None:
    plan = plan_of(change_of(Action.CREATE, "a", FieldChange("text", UNRESOLVED, "````\n# owned")))
    lines = list(markdown_lines(plan, View(now=NOW)))
    assert lines[0] == "### Plan: 1 to add, 0 to change, 0 to replace, 0 to destroy."
    assert lines.count("`````text") == lines.count("`````") == 1
