"""Kinds, names, reserved keys and fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from conduit.errors import Diagnostic
from conduit.manifests.load import Manifests
from conduit.measures import instant
from conduit.model import Key


def test_resources_carry_source_needs_protect_and_ignore(load: Callable[..., Manifests]) -> None:
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
def test_wrong_values_of_reserved_keys_are_told_at_their_place(
    problem_of: Callable[..., Diagnostic], fields: str, path: tuple[int, int], word: str
) -> None:
    problem = problem_of(f"pages:\n  x: {{{fields}}}\n")
    assert word in problem.summary
    assert problem.source[1:] == path


def test_an_expired_ignore_no_longer_holds_and_is_told(load: Callable[..., Manifests]) -> None:
    text = "pages: {x: {ignore: [{path: port, reason: r, until: 2026-05-01}, {path: mode, reason: r}]}}\n"
    day = datetime(2026, 5, 1, tzinfo=UTC).timestamp()
    assert len(load(text, now=day + 86399).resources[Key("page", "x")].ignore) == 2
    late = load(text, now=day + 86400)
    assert [entry.path for entry in late.resources[Key("page", "x")].ignore] == ["mode"]
    (warning,) = late.warnings
    assert (warning.code.id, warning.severity, warning.source.column) == ("CND-0120", "warning", 53)


def test_an_instant_is_a_date_or_a_time_with_its_zone() -> None:
    assert instant("1970-01-01") == 86400
    assert instant("1970-01-01T00:00:10Z") == 10
    assert instant("1970-01-01 01:00:00+01:00") == 0
    assert instant("1970-01-01t00:00:00.5z") == 0.5


def test_a_reserved_key_is_suggested_too(problem_of: Callable[..., Diagnostic]) -> None:
    assert problem_of("pages: {x: {protct: true}}\n").hint == 'did you mean "protect"?'


def test_everything_is_told_at_once_over_all_files(refuse: Callable[..., list[Diagnostic]]) -> None:
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


def test_golden_seven_mistakes(refuse: Callable[..., list[Diagnostic]]) -> None:
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
            "begin with a letter or digit",
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
