"""Edits of manifests: what changes is one value, and every other byte stays."""

from __future__ import annotations

from typing import Any

import pytest

from conduit.dialect.document import Document, parse
from conduit.errors import Code, ConduitError
from conduit.manifests.edit import NO_PLACE, field_path, remove_value, set_value
from conduit.manifests.rewrite import NOT_IN_PLACE, SHARED, VARIABLE

SITE = """\
# The media corner.

services:
  # the wiki, for the family
  # and friends
  wiki:
    upstream: "10.0.1.5:3000"   # the box under the stairs
    health: {path: /api/health, every: 10s}
    names:
      - wiki.home.arpa
      # the old name
      - 'notes.home.arpa'  # until May
    headers:
        X-One: '1'
    motd: |
      Hello.

      Bye.

  grafana:  # graphs
    upstream: 10.0.1.6:3000
"""
WIKI = ("services", "wiki")


def of(text: str) -> Document:
    return parse("a.yaml", text.encode())


def put(text: str, path: tuple[str | int, ...], value: Any) -> str:
    return set_value(of(text), path, value).decode()


def drop(text: str, path: tuple[str | int, ...]) -> str:
    return remove_value(of(text), path).decode()


def refuse(text: str, path: tuple[str | int, ...], *value: Any) -> Code:
    with pytest.raises(ConduitError) as caught:
        set_value(of(text), path, *value) if value else remove_value(of(text), path)
    return caught.value.diagnostics[0].code


SET = [
    (("upstream",), "10.0.1.9:80", '"10.0.1.5:3000"', '"10.0.1.9:80"'),
    (("upstream",), "a\tb", '"10.0.1.5:3000"', '"a\\tb"'),
    (("upstream",), {"a": 1}, '"10.0.1.5:3000"', "{a: 1}"),
    (("upstream",), {"a": {"b": 1}}, '"10.0.1.5:3000"', "{a: {b: 1}}"),
    (("upstream",), "two\nlines", '"10.0.1.5:3000"', '"two\\nlines"'),
    (("health", "path"), "/", "/api/health", "/"),
    (("health", "path"), "a, b", "/api/health", '"a, b"'),
    (("health", "ok"), [200, 204], "every: 10s", "every: 10s, ok: [200, 204]"),
    (("health",), "/live", "{path: /api/health, every: 10s}", "/live"),
    (("health",), None, "{path: /api/health, every: 10s}", "null"),
    (("names", 0), "no", "- wiki.home.arpa", '- "no"'),
    (("names", 1), "it's", "'notes.home.arpa'", "'it''s'"),
    (("names", 1), "12:30", "'notes.home.arpa'", "'12:30'"),
    (("names", 2), "new.home.arpa", "# until May\n", "# until May\n      - new.home.arpa\n"),
    (("names",), ["first", "wiki.home.arpa", "notes.home.arpa"], "      - wiki", "      - first\n      - wiki"),
    (("headers", "X-Two"), "2", "X-One: '1'\n", "X-One: '1'\n        X-Two: \"2\"\n"),
    (("motd",), "One.\nTwo.\n", "Hello.\n\n      Bye.", "One.\n      Two."),
    (("motd",), "short", "|\n      Hello.\n\n      Bye.", "short"),
    (("tls",), "off", "Bye.\n", 'Bye.\n    tls: "off"\n'),
    (("limits", "rate", "each"), 5, "Bye.\n", "Bye.\n    limits:\n      rate: {each: 5}\n"),
    (
        ("headers",),
        {"X-One": "1", "Y": ["a\nb", {}]},
        "'1'\n",
        "'1'\n        Y:\n          - |-\n            a\n            b\n          - {}\n",
    ),
]


@pytest.mark.parametrize(("path", "value", "old", "new"), SET, ids=lambda case: str(case)[:30])
def test_only_the_value_changes(path: tuple[str | int, ...], value: Any, old: str, new: str) -> None:
    assert SITE.count(old) >= 1
    assert put(SITE, (*WIKI, *path), value) == SITE.replace(old, new, 1)


def test_the_same_value_changes_nothing() -> None:
    document = of(SITE)
    assert set_value(document, WIKI, document.data["services"]["wiki"]).decode() == SITE


def test_a_new_name_goes_after_the_last_one_and_a_new_section_to_the_end() -> None:
    added = put(SITE, ("services", "pad"), {"upstream": "10.0.1.7:80", "names": ["a.b", "c.d"]})
    assert added == SITE + "  pad:\n    upstream: 10.0.1.7:80\n    names: [a.b, c.d]\n"
    added = put(SITE, ("dns_records", "printer"), {"type": "A", "value": "10.0.0.9"})
    assert added == SITE + "dns_records:\n  printer:\n    type: A\n    value: 10.0.0.9\n"
    assert put(SITE.rstrip("\n"), ("services", "pad"), {}) == SITE + "  pad: {}"


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "# nothing yet", "---\n"])
def test_the_first_section_of_a_manifest(text: str) -> None:
    made = put(text, ("services", "pad"), {"upstream": "10.0.1.7:80"})
    assert made.startswith(text)
    assert made.endswith("services:\n  pad:\n    upstream: 10.0.1.7:80\n")


def test_a_removed_key_takes_the_comments_directly_above_it_along() -> None:
    above, wiki = SITE.index("  # the wiki"), SITE.index("  grafana")
    assert drop(SITE, WIKI) == SITE[:above] + "\n" + SITE[wiki:]
    assert drop(SITE, (*WIKI, "names", 1)) == SITE.replace(
        "      # the old name\n      - 'notes.home.arpa'  # until May\n", ""
    )
    assert drop(SITE, (*WIKI, "health", "path")) == SITE.replace("path: /api/health, ", "")
    assert drop(SITE, (*WIKI, "health", "every")) == SITE.replace(", every: 10s", "")
    assert drop(SITE, (*WIKI, "headers", "X-One")) == SITE.replace("\n        X-One: '1'", " {}")
    assert drop(SITE, ("services", "grafana")) == SITE[:wiki]


def test_a_comment_of_the_member_before_stays_there() -> None:
    text = "services:\n  a:\n    upstream: x\n    # about a\n  b: {}\n"
    assert drop(text, ("services", "b")) == text.removesuffix("  b: {}\n")


def test_the_last_name_takes_its_section_along() -> None:
    assert drop("# mine\n\nservices:\n  a: {}\n", ("services", "a")) == "# mine\n\n"
    assert drop("services: {a: {}}\nvars: {b: 1}\n", ("services", "a")) == "vars: {b: 1}\n"
    assert drop("{services: {a: {}}}\n", ("services", "a")) == "{}\n"


def test_lists_at_the_column_of_their_key_stay_there() -> None:
    text = "services:\n  a:\n    names:\n    - x\n    -\n      k: 1\n"
    assert put(text, ("services", "a", "names", 0), "y") == text.replace("- x", "- y")
    assert put(text, ("services", "a", "names", 1, "k"), 2) == text.replace("k: 1", "k: 2")
    assert put(text, ("services", "a", "more"), ["a" * 70]) == text + f"    more:\n    - {'a' * 70}\n"
    assert drop(text, ("services", "a", "names", 1)) == text.replace("    -\n      k: 1\n", "")


def test_a_collection_becomes_a_value_and_the_comment_of_its_key_stays() -> None:
    text = "services:\n  a:\n    names:  # all\n      # first\n      - x\n    tail: 1\n"
    assert put(text, ("services", "a", "names"), 5) == "services:\n  a:\n    names: 5  # all\n    tail: 1\n"
    mapped = put(text, ("services", "a", "names"), {"k": {"l": "m"}})
    assert mapped == "services:\n  a:\n    names:  # all\n      k: {l: m}\n    tail: 1\n"
    assert put(text, ("services", "a", "names"), "b\nc") == text.replace(
        ":  # all\n      # first\n      - x", ': "b\\nc"  # all'
    )


def test_an_empty_value_is_filled_in() -> None:
    assert put("services:\n  a:  # why\n  b: {}\n", ("services", "a"), "x") == "services:\n  a: x  # why\n  b: {}\n"
    assert put("services: {a: , b: 1}\n", ("services", "a"), "x") == "services: {a: x , b: 1}\n"


ANCHORED = "services:\n  a: &base {upstream: x, deep: {n: 1}}\n  b: *base\n  c: {upstream: y}\n"
TEMPLATED = 'vars: {net: 10.0.0}\nservices:\n  a: {upstream: "{{ net }}.5:80", tls: off}\n'
APPLICATION = (
    "deployments:\n  a:\n    compose:\n      x-base: &base {restart: always}\n      services:\n"
    "        web: {<<: *base, image: w}\n        db: {image: d, command: '{{ x }}'}\n"
)
REFUSED: list[tuple[str, tuple[str | int, ...], Any, Code]] = [
    (ANCHORED, ("services", "a", "upstream"), "z", SHARED),
    (ANCHORED, ("services", "a", "deep", "n"), 2, SHARED),
    (ANCHORED, ("services", "b", "upstream"), "z", SHARED),
    (ANCHORED, ("services", "b"), "z", SHARED),
    (ANCHORED, ("services",), {}, SHARED),
    (APPLICATION, ("deployments", "a", "compose", "services", "web", "image"), "v", SHARED),
    (TEMPLATED, ("services", "a", "upstream"), "z", VARIABLE),
    (TEMPLATED, ("services", "a", "tls"), "{{ net }}", VARIABLE),
    (TEMPLATED, ("services", "b"), {"upstream": ["{% x %}"]}, VARIABLE),
    (SITE, (*WIKI, "upstream", "port"), 1, NO_PLACE),
    (SITE, (*WIKI, "names", 7), "x", NO_PLACE),
    (SITE, (*WIKI, "names", "x"), "x", NO_PLACE),
    (SITE, (*WIKI, "ratio"), float("nan"), NOT_IN_PLACE),
    (SITE, (*WIKI, "ratio"), 2**64, NOT_IN_PLACE),
    ("services:\n  a:\n    ? upstream\n    : x\n  b: [a: 1]\n", ("services", "b", 0, "c"), 1, NOT_IN_PLACE),
]


@pytest.mark.parametrize(
    ("text", "path", "value", "code"), REFUSED, ids=[str(number) for number in range(len(REFUSED))]
)
def test_what_cannot_be_edited_is_refused_and_never_guessed(
    text: str, path: tuple[str | int, ...], value: Any, code: Code
) -> None:
    assert refuse(text, path, value) is code


def test_removing_what_is_shared_templated_or_absent_is_refused() -> None:
    assert refuse(ANCHORED, ("services", "a")) is SHARED
    assert refuse(TEMPLATED, ("services", "a")) is VARIABLE
    assert refuse(SITE, (*WIKI, "nothing")) is NO_PLACE
    assert refuse("a:\n  - k: 1\n    l: 2\n", ("a", 0, "k")) is NOT_IN_PLACE
    assert refuse("a: {b: 1, # one\n  c: 2}\n", ("a", "b")) is NOT_IN_PLACE


def test_beside_anchors_and_inside_applications_edits_go_on() -> None:
    assert put(ANCHORED, ("services", "c", "upstream"), "z") == ANCHORED.replace("upstream: y", "upstream: z")
    path = ("deployments", "a", "compose", "services", "db", "command")
    assert put(APPLICATION, path, "{{ y }}") == APPLICATION.replace("'{{ x }}'", "'{{ y }}'")


def test_a_dotted_field_takes_the_longest_key_that_is_there() -> None:
    document = of("services:\n  a:\n    headers: {x.y: 1, x: {y: 2}}\n    names: [p, {q: 1}]\n")
    below = ("services", "a")
    assert field_path(document, below, "headers.x.y") == (*below, "headers", "x.y")
    assert field_path(document, below, "names.1.q") == (*below, "names", 1, "q")
    assert field_path(document, below, "health.path") == (*below, "health", "path")
    assert field_path(document, ("services", "b"), "upstream") == ("services", "b", "upstream")


def test_windows_line_endings_are_told_before_any_edit() -> None:
    with pytest.raises(ConduitError, match="Windows line endings"):
        of("services:\r\n  a: {}\r\n")


@pytest.mark.parametrize("value", ["l\nm\n", {"note": "l\nm\n"}, ["l\nm\n"]])
def test_lines_at_the_end_of_a_text_without_a_last_line_end_keep_theirs(value: Any) -> None:
    """Regression: below `|` the last line end was lost, so the edit was refused."""
    text = "services:\n  wiki:\n    upstream: a:1"
    after = set_value(parse("a.yaml", text.encode()), ("services", "wiki", "labels"), value)
    assert parse("a.yaml", after).data["services"]["wiki"] == {"upstream": "a:1", "labels": value}
    assert after.decode().startswith(text)
