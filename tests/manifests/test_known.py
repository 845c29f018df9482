"""What a process that goes on remembers of its manifests is what lies there, and its own edits need no rest."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conduit import declarations
from conduit.engine import Engine
from conduit.errors import Diagnostic
from conduit.evidence import Evidence, hash_of_tree
from conduit.expand import Desired
from conduit.manifests import tree as trees
from conduit.manifests.known import Known
from conduit.manifests.store import RemoveField, SetField
from conduit.manifests.tree import Tree, read_still_tree, read_tree
from conduit.model import Key
from conduit.recall import Recall
from conduit.sandbox.machine import wait_for
from conduit.spec import Ignore
from conduit.stamps import FRESH_NS
from conduit.wish import Wish
from tests.manifests.page_kind import KINDS, NOW, settings_at
from tests.manifests.store_world import ANN, PAGES, site_at, store_at


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A committed site whose files are older than any tick of the clock."""
    place = site_at(tmp_path / "site")
    (place / "desired/other.yaml").write_text("pages: {other: {port: 1}}\n")
    newest = max(path.stat().st_ctime_ns for path in (place / "desired").iterdir())
    wait_for(lambda: time.time_ns() - newest > FRESH_NS, "the files are old enough")
    return place


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the manifests that are really opened."""
    names: list[str] = []
    read = trees.read_regular
    monkeypatch.setattr(trees, "read_regular", lambda path, limit: (names.append(path.name), read(path, limit))[1])
    return names


def look(base: Path, known: Known) -> Tree:
    return read_tree(base / "desired", base, known)


def test_only_what_changed_is_read_again(base: Path, opened: list[str]) -> None:
    known = Known()
    first = look(base, known)
    assert look(base, known).files == first.files
    assert opened == ["other.yaml", "pages.yaml"]
    (base / "desired/other.yaml").write_text("pages: {other: {port: 2}}\n")
    changed = look(base, known)
    assert changed.files == read_tree(base / "desired", base).files != first.files
    assert opened[2] == "other.yaml"


def test_a_tree_is_given_out_while_it_has_to_rest(base: Path) -> None:
    (base / "desired/other.yaml").write_text("pages: {other: {port: 2}}\n")
    early: list[Tree] = []
    tree = read_still_tree(base / "desired", base, 0.3, Known(), early.append)
    assert early
    assert early[-1].files == tree.files
    assert time.time() - tree.changed >= 0.3
    late: list[Tree] = []
    assert read_still_tree(base / "desired", base, 0.3, Known(), late.append).files == tree.files
    assert late == []


def test_the_wish_of_a_tree_is_made_while_it_rests(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    real = declarations.wish_of

    def rest(seconds: float) -> None:
        told.append("rest")
        for path in (base / "desired", *(base / "desired").iterdir()):
            os.utime(path, (0, 0))

    monkeypatch.setattr(declarations, "wish_of", lambda *parts: (told.append("wish"), real(*parts))[1])
    monkeypatch.setattr(declarations, "STILL", 30.0)
    monkeypatch.setattr(trees.time, "sleep", rest)
    engine = Engine(settings_at(base), kinds=KINDS, recall=Recall())  # type: ignore[arg-type]
    (base / "desired/other.yaml").write_text("pages: {other: {port: 2}}\n")
    assert engine.load().roots[Key("page", "other")].spec.port == 2
    assert told == ["wish", "rest"]


def test_what_changes_while_a_tree_rests_is_read(base: Path) -> None:
    other, early = base / "desired/other.yaml", list[bytes]()

    def write_once(tree: Tree) -> None:
        early.append(tree.files[0].content)
        if len(early) == 1:
            other.write_text("pages: {other: {port: 3}}\n")

    other.write_text("pages: {other: {port: 2}}\n")
    tree = read_still_tree(base / "desired", base, 0.2, Known(), write_once)
    assert (b"port: 2" in early[0], b"port: 3" in tree.files[0].content) == (True, True)
    assert time.time() - other.stat().st_mtime >= 0.2


@pytest.mark.parametrize("how", ["in place", "replaced", "same size and date", "removed", "moved here with its date"])
def test_any_change_is_seen(base: Path, how: str) -> None:
    known, path = Known(), base / "desired/other.yaml"
    before, there = look(base, known), path.stat()
    match how:
        case "in place":
            with path.open("r+") as file:
                file.write("pages: {other: {port: 9}}")
        case "replaced":
            (base / "new").write_text("pages: {other: {port: 9}}\n")
            (base / "new").rename(path)
        case "same size and date":
            path.write_text("pages: {other: {port: 9}}\n")
            os.utime(path, ns=(there.st_atime_ns, there.st_mtime_ns))
        case "removed":
            path.unlink()
        case _:
            shutil.copy2(path, base / "copy")
            (base / "copy").rename(base / "desired/third.yaml")
    after = look(base, known)
    assert after.files == read_tree(base / "desired", base).files
    assert after.files != before.files


def test_a_file_that_was_fresh_when_it_was_read_is_read_again(base: Path, opened: list[str]) -> None:
    """Two writes within one tick of the kernel's clock leave one and the same stamp."""
    known = Known()
    (base / "desired/other.yaml").write_text("pages: {other: {port: 2}}\n")
    look(base, known)
    look(base, known)
    assert opened.count("other.yaml") == 2
    assert opened.count("pages.yaml") == 1


def edited(base: Path, known: Known, *edits: Any) -> None:
    replace(store_at(base), known=known).edit(Key("page", "wiki"), edits, "Move the wiki", ANN)


@pytest.mark.parametrize("edits", [[SetField("port", 82)], [RemoveField()]], ids=["set", "remove"])
def test_after_our_own_edit_the_tree_is_as_still_as_before(base: Path, edits: list[Any]) -> None:
    known = Known()
    before = look(base, known).changed
    for _ in range(2):
        edited(base, known, *edits)
        edits = [SetField("port", 83)]
    assert look(base, known).changed == before < read_tree(base / "desired", base).changed


@pytest.mark.parametrize("what", ["a file changed", "a file is gone", "a file came with an old date"])
def test_what_somebody_else_does_beside_our_edit_has_to_rest(base: Path, what: str) -> None:
    other = base / "desired/other.yaml"
    shutil.copy2(other, base / "old.yaml")

    class Meddling(Known):
        def wrote(self, tree: Tree, name: str, path: Path) -> None:
            match what:
                case "a file changed":
                    other.write_text("pages: {other: {port: 3}}\n")
                case "a file is gone":
                    other.unlink()
                case _:
                    (base / "old.yaml").rename(base / "desired/old.yaml")
            super().wrote(tree, name, path)

    known = Meddling()
    before = look(base, known).changed
    edited(base, known, SetField("port", 82))
    assert look(base, known).changed == read_tree(base / "desired", base).changed > before


def a_wish(tree: Tree, evidence: tuple[Evidence, ...] | None, until: str | None = None) -> Wish:
    from conduit.manifests.load import load

    manifests = load(tree, settings_at(tree.base), KINDS, NOW).whole()
    roots = manifests.resources
    if until:
        key = Key("page", "wiki")
        roots = roots | {key: replace(roots[key], ignore=(Ignore(path="port", reason="known", until=until),))}
    desired = Desired(roots, {}, {}, {}, {})
    found = None if evidence is None else (Evidence("tree", "", hash_of_tree(tree.files)), *evidence)
    warnings: tuple[Diagnostic, ...] = ()
    return Wish(manifests, desired, warnings, found)


def test_a_wish_is_taken_again_for_the_same_manifests_only(base: Path) -> None:
    recall, tree = Recall(), read_tree(base / "desired", base)
    wish = a_wish(tree, ())
    recall.keep(tree, wish, NOW)
    assert recall.wish(replace(tree, commit="abc"), NOW) is None, "files it names are read from the commit"
    assert recall.wish(tree, NOW) is wish
    (base / "desired/pages.yaml").write_text(PAGES.replace("80", "81"))
    assert recall.wish(read_tree(base / "desired", base), NOW) is None


def test_a_wish_is_made_anew_when_a_file_or_name_it_was_made_from_differs(base: Path) -> None:
    recall, tree, named = Recall(), read_tree(base / "desired", base), base / "named"
    recall.keep(tree, a_wish(tree, (Evidence("bytes", str(named), "gone"),)), NOW)
    assert recall.wish(tree, NOW)
    named.write_text("now it is there")
    assert recall.wish(tree, NOW) is None
    recall.keep(tree, a_wish(tree, (Evidence("addresses", "localhost", "another answer"),)), NOW)
    assert recall.wish(tree, NOW) is None
    recall.keep(tree, a_wish(tree, None), NOW)
    assert recall.wish(tree, NOW) is None


def test_a_wish_is_made_anew_once_a_date_in_it_has_passed(base: Path) -> None:
    recall, tree = Recall(), read_tree(base / "desired", base)
    recall.keep(tree, a_wish(tree, (), until="2030-01-01T00:00:00Z"), NOW)
    assert recall.wish(tree, NOW + 60)
    assert recall.wish(tree, NOW + 10 * 365 * 86400) is None
