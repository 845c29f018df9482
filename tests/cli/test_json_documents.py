"""Every document that `--json` prints is a published one: the names in the code, and what a real site prints."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conduit.command import commands_of
from conduit.resources import load_kinds
from tests.conftest import ROOT, Site

MADE_BY = ("document", "show_rows")
"""What makes a document; the first text it is given is the type."""


def written_types() -> set[str]:
    """Return the type of every document that the code makes."""
    calls = (
        node
        for path in (ROOT / "conduit").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MADE_BY
    )
    texts = (arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant))
    commands = [each for kind in load_kinds().values() for each in commands_of(kind).values()]
    tables = {each.name for each in commands if not each.streams}
    return {text for text in texts if isinstance(text, str)} | tables


def published_types() -> set[str]:
    definitions = json.loads((ROOT / "docs" / "plan.schema.json").read_text())["$defs"]
    kinds = [each.get("properties", {}).get("type", {}) for each in definitions.values()]
    kinds += [
        part.get("properties", {}).get("type", {}) for each in definitions.values() for part in each.get("allOf", [])
    ]
    return {str(kind["const"]) for kind in kinds if "const" in kind} | {
        name for kind in kinds for name in kind.get("enum", ())
    }


def test_every_document_in_the_code_is_published() -> None:
    assert written_types() <= published_types()


def test_what_a_site_prints_fits_the_schema(
    site: Site, directory: Path, check_document: Callable[[Mapping[str, Any]], None]
) -> None:
    site.write(
        "site.yaml", "users:\n  ada: {role: admin}\ndns_records:\n  one: {name: one.home.arpa, value: 10.0.0.1}\n"
    )
    assert site.conduit("apply", "--yes").code == 0
    for words in (
        ("api", "routes"),
        ("audit", "list"),
        ("audit", "verify"),
        ("diff",),
        ("doctor",),
        ("drift",),
        ("journal",),
        ("key", "list"),
        ("kinds",),
        ("runs",),
        ("runs", "show", "1"),
        ("secret", "list"),
        ("status",),
        ("user", "list"),
        ("user", "sessions", "ada"),
        ("validate",),
    ):
        printed = site.conduit(*words, "--json")
        told = json.loads(printed.stdout)
        check_document(told)
        assert told["type"] != "errors", (words, told)


def test_what_is_explained_is_a_document(
    nowhere: Callable[..., Any], check_document: Callable[[Mapping[str, Any]], None]
) -> None:
    told = {}
    for subject in ("CND-0401", "dns_record", "dns_record.priority", "service.health"):
        told[subject] = json.loads(nowhere("explain", subject, "--json").stdout)
        check_document(told[subject])
        assert told[subject]["subject"] == subject
    assert told["CND-0401"]["title"] == "more deletions than the budget allows"
    assert [each["name"] for each in told["dns_record"]["fields"] if each["required"]] == ["name", "value"]
    assert {each["name"]: each["default"] for each in told["service.health"]["fields"]}["timeout"] == "5s"


def test_a_sentence_is_a_document_where_json_is_asked_for(
    site: Site, directory: Path, check_document: Callable[[Mapping[str, Any]], None]
) -> None:
    """Regression: who suspended the loop or stored a secret with --json got words that no program can read."""
    site.write("site.yaml", "dns_records:\n  one: {name: one.home.arpa, value: 10.0.0.1}\n")
    for words, given, message in (
        (("suspend", "--reason", "why"), None, "The loop is suspended since "),
        (("resume",), None, "The loop is not suspended."),
        (("secret", "set", "a"), "open", "Stored. Write "),
        (("secret", "rm", "a"), None, 'Forgot "a".'),
    ):
        told = json.loads(site.conduit(*words, "--json", input=given).stdout)
        check_document(told)
        assert (told["type"], told["message"].startswith(message)) == ("done", True), told
