"""Kinds, names, reserved keys and fields."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conduit.measures import instant
from conduit.model import Key, Secret


def only(problems):
    (problem,) = problems
    return problem


def test_resources_carry_source_needs_protect_and_ignore(load):
    text = (
        "pages:\n"
        "  first:\n"
        "    needs: [page/second, needy/third]\n"
        "    protect: true\n"
        "    hosts: [local]\n"
        "    ignore: [{path: port, reason: testing, until: '2030-01-01'}, {path: mode, reason: always}]\n"
        "    port: 80\n"
        "  second: {}\n"
    )
    manifests = load(text)
    first = manifests.resources[Key("page", "first")]
    assert list(manifests.resources) == [("page", "first"), ("page", "second")]
    assert first.spec.port == 80
    assert first.source == ("desired/a.yaml", 2, 3)
    assert first.needs == (Key("page", "second"), Key("needy", "third"))
    assert first.protect
    assert [entry.path for entry in first.ignore] == ["port", "mode"]
    assert manifests.warnings == ()
    assert manifests.resources[Key("page", "second")].source.line == 8


@pytest.mark.parametrize(
    "name",
    [
        "a\\nserver { listen 81; }",
        "a\\n",
        "a\\r",
        "a\\x00",
        "a\\u2028",
        "a\\u0085",
        "a" * 64,
        "",
        "-a",
        "..",
        "con/../x",
        "A",
        "a.b",
        "é",
    ],
)
def test_i1_names(refuse, name):
    problem = only(refuse(f'pages:\n  "{name}": {{}}\n'))
    assert problem.code.id == "CND-0204"
    assert problem.source == ("desired/a.yaml", 2, 3)
    assert problem.summary.isprintable()


@pytest.mark.parametrize("name", ["a", "a" * 63, "a-b_c", "0"])
def test_good_names(load, name):
    assert load(f'pages: {{"{name}": {{}}}}\n').resources


@pytest.mark.parametrize(
    ("key", "hint"), [("page", '"pages"'), ("pagse", '"pages"'), ("var", '"vars"'), ("zzz", "conduit kinds")]
)
def test_an_unknown_kind(refuse, key, hint):
    problem = only(refuse(f"{key}: {{x: {{}}}}\n"))
    assert problem.code.id == "CND-0113"
    assert hint in problem.hint


@pytest.mark.parametrize("text", ["- a\n", "just text\n", "pages:\n", "pages: []\n", "vars:\n", "pages: text\n"])
def test_the_shape_of_a_manifest(refuse, text):
    assert only(refuse(text)).code.id == "CND-0112"


def test_an_empty_section_is_said_explicitly(load):
    assert load("pages: {}\nvars: {}\n").resources == {}


def test_a_name_with_nothing_below_is_refused(refuse):
    problem = only(refuse("pages:\n  x:\n"))
    assert "nothing is written" in problem.hint


def test_y11_the_same_name_in_two_files_names_both(refuse):
    problem = only(refuse({"a.yaml": "pages:\n  x: {}\n", "b.yaml": "pages: {x: {}}\n"}))
    assert problem.code.id == "CND-0114"
    assert problem.source == ("desired/b.yaml", 1, 9)
    assert problem.related == (("first here", ("desired/a.yaml", 2, 3)),)
    assert "desired/a.yaml:2:3" in problem.summary


def test_y4_the_same_name_in_one_file(refuse):
    assert only(refuse("pages:\n  x: {}\n  x: {}\n")).code.id == "CND-0105"


def test_two_kinds_may_share_a_name(load):
    assert len(load("pages: {x: {}}\nneedies: {x: {upstream: a}}\n").resources) == 2


def test_a_provider_the_settings_do_not_name(kinds, tmp_path):
    from conduit.errors import LoadError
    from conduit.manifests.load import load
    from conduit.manifests.tree import read_tree
    from conduit.settings import Settings

    (tmp_path / "a.yaml").write_text("needies: {x: {upstream: a}, y: {upstream: b}}\n")
    with pytest.raises(LoadError) as caught:
        load(read_tree(tmp_path, tmp_path), Settings(desired=tmp_path), kinds, 0.0).whole()
    problem = only(caught.value.diagnostics)
    assert problem.code.id == "CND-0206"
    assert "oven" in problem.summary
    assert "oven:" in problem.hint


@pytest.mark.parametrize(
    ("fields", "path", "word"),
    [
        ("needs: [nope]", (2, 15), "kind/name"),
        ("needs: [5]", (2, 15), "kind/name"),
        ("needs: page/x", (2, 14), "a list"),
        ("needs: [pge/x]", (2, 15), '"pge"'),
        ("protect: yes", (2, 16), "true or false"),
        ("protect: 1", (2, 16), "true or false"),
        ("hosts: [pi]", (2, 15), '"pi"'),
        ("ignore: [{path: x}]", (2, 16), '"reason"'),
        ("ignore: [{path: x, reason: y, utnil: z}]", (2, 37), '"utnil"'),
        ("ignore: [{path: x, reason: y, until: soon}]", (2, 44), "2030-01-31"),
        ("ignore: [{path: x, reason: y, until: 2030-02-30}]", (2, 44), "day"),
        ("ignore: [{path: x, reason: y, until: '2030-01-01T00:00:00'}]", (2, 44), "zone"),
    ],
)
def test_reserved_keys(refuse, fields, path, word):
    problem = only(refuse(f"pages:\n  x: {{{fields}}}\n"))
    assert word in problem.summary
    assert problem.source[1:] == path


def test_an_expired_ignore_no_longer_holds_and_is_told(load):
    text = "pages: {x: {ignore: [{path: port, reason: r, until: 2026-05-01}, {path: mode, reason: r}]}}\n"
    day = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    assert len(load(text, now=day + 86399).resources[Key("page", "x")].ignore) == 2
    late = load(text, now=day + 86400)
    assert [entry.path for entry in late.resources[Key("page", "x")].ignore] == ["mode"]
    (warning,) = late.warnings
    assert (warning.code.id, warning.severity, warning.source.column) == ("CND-0120", "warning", 53)


def test_instants():
    assert instant("1970-01-01") == 86400
    assert instant("1970-01-01T00:00:10Z") == 10
    assert instant("1970-01-01 01:00:00+01:00") == 0
    assert instant("1970-01-01t00:00:00.5z") == 0.5


@pytest.mark.parametrize(
    ("fields", "word", "hint"),
    [
        ("upstream: 8080", "write text", 'quote it: "8080"'),
        ("upstream: true", "write text", 'quote it: "true"'),
        ("upstream: 1.5", "write text", 'quote it: "1.5"'),
        ("upstream: ['a']", "write text", ""),
        ("port: '8080'", "whole number", "no quotes"),
        ("port: 0755", "whole number", "no leading zero"),
        ("port: 1_0", "whole number", "no _"),
        ("port: 8080.0", "whole number", ""),
        ("port: ٣٣", "whole number", ""),
        ("port: ²", "whole number", ""),
        ("port: -0", "whole number", "plain digits"),
        ("port: 22:22", "whole number", ""),
        ("port: true", "whole number", ""),
        ("port: 0", "at least 1", ""),
        ("port: 65536", "at most 65535", ""),
        ("ratio: '1'", "write a number", "no quotes"),
        ("live: no", "true or false", '"no" is text'),
        ("live: 'true'", "true or false", ""),
        ("live: 1", "true or false", ""),
        ("mode: of", "'internal' or 'off'", 'did you mean "off"?'),
        ("mode: false", "'internal' or 'off'", "quote it"),
        ("check: x", "write a mapping", ""),
        ("headers: {a: 5}", "write text", 'quote it: "5"'),
        ("backends: x", "write a list", ""),
    ],
)
def test_y5_types_are_strict_and_the_hint_says_how(refuse, fields, word, hint):
    problem = only(refuse(f"pages: {{x: {{{fields}}}}}\n"))
    assert problem.code.id == "CND-0203"
    assert word in problem.summary
    assert hint in problem.hint
    assert problem.line.startswith("pages: ")


def test_text_that_looks_like_something_else_stays_text(spec):
    assert spec("upstream: no").upstream == "no"
    assert spec("upstream: 12:30").upstream == "12:30"
    assert spec("upstream: 0755").upstream == "0755"


def test_a_mistyped_required_key_is_one_problem(refuse):
    problem = only(refuse("needies: {x: {upsteam: a}}\n"))
    assert problem.summary == 'unknown key "upsteam" in needy'
    assert problem.hint == 'did you mean "upstream"?'
    assert problem.source.column == 15


def test_a_missing_key_points_at_the_name(refuse):
    problem = only(refuse("needies:\n  x:\n    anything: 1\n"))
    assert problem.summary == 'missing key "upstream" in needy'
    assert problem.source[1:] == (2, 3)


def test_a_reserved_key_is_suggested_too(refuse):
    assert only(refuse("pages: {x: {protct: true}}\n")).hint == 'did you mean "protect"?'


def test_nested_keys(refuse):
    problem = only(refuse("pages: {x: {check: {pth: /}}}\n"))
    assert problem.summary == 'unknown key "pth" in page, below check'
    assert problem.hint == 'did you mean "path"?'
    problem = only(refuse("pages: {x: {backends: [{adress: a}]}}\n"))
    assert problem.hint == 'did you mean "address"?'


def test_a_union_is_told_once_by_the_member_that_got_furthest(refuse):
    problem = only(refuse("pages: {x: {backends: [a, {address: b, weight: '1'}]}}\n"))
    assert problem.summary == 'wrong value for "backends.1.weight" in page: write a whole number'
    assert problem.source.column == 48
    problem = only(refuse("pages: {x: {backends: [a, 5]}}\n"))
    assert "write text or write a mapping" in problem.summary


def test_a_secret_in_clear_is_accepted_by_its_type_but_never_echoed(spec, refuse):
    assert spec("password: {secret: NAME}").password == Secret("NAME")
    problem = only(refuse("pages: {x: {password: 12345}}\n"))
    assert problem.line == ""
    assert "12345" not in str(problem)


def test_a_number_in_the_place_of_text_is_told_what_the_field_takes(refuse):
    """Regression: `check: {path: 8}` was told to be quoted, and then that "8" is no path."""
    assert only(refuse("pages: {x: {check: {every: 10}}}\n")).hint == 'quote it: "10"'
    assert "a path begins with one /" in only(refuse("pages: {x: {check: {path: 8}}}\n")).hint


def test_a_missing_space_after_a_colon_is_named(refuse):
    assert only(refuse("pages:\n  x:\n    upstream:a\n")).hint == "write a space after the colon"


def test_names_written_as_a_list_are_told_to_be_keys(refuse):
    assert only(refuse("pages:\n  - name: x\n")).hint.startswith("names are keys, not items of a list")


@pytest.mark.parametrize(("text", "near"), [("Pages: {}\n", "pages"), ("pages: {x: {mode: OFF}}\n", "off")])
def test_the_nearest_word_is_found_in_other_letters_too(refuse, text, near):
    assert only(refuse(text)).hint == f'did you mean "{near}"?'


def test_unknown_keys_in_a_name_are_cut_and_shown_safely(refuse):
    problem = only(refuse('pages: {x: {"' + "k\\e" * 100 + '": 1}}\n'))
    assert len(problem.summary) < 600
    assert "\x1b" not in problem.summary


def test_everything_is_told_at_once_over_all_files(refuse):
    problems = refuse({"b.yaml": "pages: {X: {}}\n", "a.yaml": "a: [\n", "c.yaml": "pages: {y: {port: a, lvie: 1}}\n"})
    assert [(p.source.file[-6:], p.code.id) for p in problems] == [
        ("a.yaml", "CND-0104"), ("b.yaml", "CND-0204"), ("c.yaml", "CND-0203"), ("c.yaml", "CND-0201"),
    ]  # fmt: skip


GOLDEN = """\
vars: {host: 10.0.1.5}
pages:
  grafana:
    upsteam: "{{ host }}:3000"
    check: {path: health}
  Wiki:
    port: 08080
    live: yes
needies:
  files:
    upstream: "{{ hots }}"
pagse: {}
"""


def test_golden_seven_mistakes(refuse):
    told = [(str(p.source), p.code.id, p.summary, p.hint, p.line) for p in refuse({"media.yaml": GOLDEN})]
    assert told == [
        (
            "desired/media.yaml:4:5", "CND-0201", 'unknown key "upsteam" in page',
            'did you mean "upstream"?', '    upsteam: "{{ host }}:3000"',
        ),
        (
            "desired/media.yaml:5:19", "CND-0203", told[1][2], "", "    check: {path: health}",
        ),
        (
            "desired/media.yaml:6:3", "CND-0204",
            '"Wiki" cannot be the name of a page: use 1 to 63 of a-z, 0-9, - and _; '
            "begin and end with a letter or digit",
            "rename it", "  Wiki:",
        ),
        (
            "desired/media.yaml:7:11", "CND-0203", 'wrong value for "port" in page: write a whole number',
            "write plain digits: no quotes, no leading zero, no _", "    port: 08080",
        ),
        (
            "desired/media.yaml:8:11", "CND-0203", 'wrong value for "live" in page: write true or false',
            '"yes" is text in YAML 1.2', "    live: yes",
        ),
        (
            "desired/media.yaml:11:15", "CND-0116", 'the variable "hots" is not defined',
            'did you mean "host"?', '    upstream: "{{ hots }}"',
        ),
        ("desired/media.yaml:12:1", "CND-0113", 'unknown kind "pagse"', 'did you mean "pages"?', "pagse: {}"),
    ]  # fmt: skip
    assert told[1][2].startswith('wrong value for "check.path" in page: ')
