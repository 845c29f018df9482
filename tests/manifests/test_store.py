"""The write path: an edit is on disk and in git, or nowhere; git itself is the judge."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from conduit.errors import LoadError, Stale
from conduit.manifests.edit import NO_PLACE
from conduit.manifests.saving import DIRTY, MOVED
from conduit.manifests.store import ABSENT, RemoveField, SetField
from conduit.model import Key
from tests.manifests.store_world import ANN, PAGES, WIKI, git, put, refused, save, store_at


def test_an_edit_is_one_small_commit_by_its_author(base: Path) -> None:
    saved = put(base, 8080)
    assert (base / "desired/pages.yaml").read_text() == PAGES.replace("port: 80 ", "port: 8080 ")
    assert git(base, "status", "--porcelain") == ""
    assert git(base, "rev-parse", "HEAD").strip() == saved.commit
    assert git(base, "show", "-s", "--format=%an %ae %cn %s").strip() == "Ann ann@home.arpa conduit Move the wiki"
    assert git(base, "diff", "--numstat", "HEAD~1").split() == ["1", "1", "desired/pages.yaml"]
    git(base, "fsck", "--strict")


def test_a_new_resource_gets_a_file_of_its_own_and_takes_it_away_again(base: Path) -> None:
    store, pad = store_at(base), Key("page", "new")
    saved = store.edit(pad, [SetField("", {"port": 82, "live": True})], "Add", ANN, ABSENT)
    path = base / "desired/pages/new.yaml"
    assert path.read_text() == "pages:\n  new:\n    port: 82\n    live: true\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    read = store.read(pad)
    assert read is not None
    assert (read.file, read.version, read.data) == (saved.file, saved.version, {"port": 82, "live": True})
    assert store.edit(pad, [RemoveField()], "Remove", ANN, saved.version).version == ""
    assert not path.exists()
    assert git(base, "status", "--porcelain") == ""
    assert git(base, "rev-list", "--count", "HEAD").strip() == "3"


def test_an_edit_tells_what_was_declared_before_it(base: Path) -> None:
    store, pad = store_at(base), Key("page", "new")
    assert store.edit(pad, [SetField("", {"port": 82})], "Add", ANN).before is None
    first = store.read(pad)
    assert store.edit(pad, [SetField("port", 83)], "Move", ANN).before == first
    assert store.edit(pad, [SetField("port", 83)], "Again", ANN).before == store.read(pad)
    assert store.edit(pad, [RemoveField()], "Remove", ANN).before is not None


def test_several_fields_change_together_or_not_at_all(base: Path) -> None:
    store = store_at(base)
    edits = [SetField("port", 1), SetField("check.path", "/up"), SetField("headers", {"a.b": "1"})]
    store.edit(WIKI, edits, "Several", ANN)
    found = store.read(WIKI)
    assert found is not None
    assert found.data == {"port": 1, "check": {"path": "/up"}, "headers": {"a.b": "1"}}
    assert refused(lambda: store.edit(WIKI, [SetField("port", 2), RemoveField("nothing")], "No", ANN)) is NO_PLACE
    assert store.read(WIKI) == found


def test_c1_another_version_is_refused(base: Path) -> None:
    store = store_at(base)
    seen = store.read(WIKI)
    assert seen is not None
    put(base, 8080, expect=seen.version)
    assert refused(lambda: put(base, 8081, expect=seen.version)) is MOVED
    assert refused(lambda: put(base, 8081, expect=ABSENT)) is MOVED
    with pytest.raises(Stale):
        store.edit(Key("page", "none"), [SetField("", {})], "No", ANN, seen.version)


def test_an_edit_that_changes_nothing_commits_nothing(base: Path) -> None:
    assert put(base, 80).commit == ""
    assert git(base, "rev-list", "--count", "HEAD").strip() == "1"


def test_a_file_somebody_works_on_is_refused_as_dirty(base: Path) -> None:
    path = base / "desired/pages.yaml"
    path.write_text(PAGES + "  mine: {port: 83}\n")
    assert refused(lambda: put(base, 1)) is DIRTY
    assert path.read_text().endswith("83}\n")
    (base / "desired/draft.yaml").write_text("pages:\n  draft: {}\n")
    assert refused(lambda: store_at(base).edit(Key("page", "draft"), [RemoveField()], "No", ANN)) is DIRTY


def test_what_a_person_has_staged_stays_staged_and_out_of_the_commit(base: Path) -> None:
    (base / "notes.txt").write_text("mine\n")
    git(base, "add", "notes.txt")
    put(base, 8080)
    assert git(base, "status", "--porcelain") == "A  notes.txt\n"
    assert git(base, "show", "--name-only", "--format=").split() == ["desired/pages.yaml"]


@pytest.mark.parametrize(
    "edit",
    [SetField("port", 99999), SetField("port", "80"), SetField("unknown", 1), SetField("check.path", "/a\r\nX: y")],
    ids=str,
)
def test_what_would_not_load_is_not_written(base: Path, edit: SetField) -> None:
    with pytest.raises(LoadError):
        store_at(base).edit(WIKI, [edit], "No", ANN)
    assert (base / "desired/pages.yaml").read_text() == PAGES
    assert git(base, "status", "--porcelain") == ""
    assert [path.name for path in (base / "desired").iterdir()] == ["pages.yaml"]


def test_outside_git_and_in_an_ignored_directory_an_edit_is_a_file(tmp_path: Path, base: Path) -> None:
    (tmp_path / "bare/desired").mkdir(parents=True)
    (tmp_path / "bare/desired/a.yaml").write_text(PAGES)
    assert put(tmp_path / "bare", 8080).commit == ""
    inner = base / "ignored"
    (inner / "desired").mkdir(parents=True)
    (inner / "desired/a.yaml").write_text(PAGES)
    (base / ".gitignore").write_text("/ignored/\n")
    save(base)
    assert put(inner, 8080).commit == ""
    assert "8080" in (inner / "desired/a.yaml").read_text()


def test_the_first_commit_of_a_repository(tmp_path: Path) -> None:
    (tmp_path / "desired").mkdir()
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    saved = store_at(tmp_path).edit(Key("page", "a"), [SetField("", {"port": 1})], "First", ANN)
    assert git(tmp_path, "rev-list", "HEAD").split() == [saved.commit]
    assert git(tmp_path, "status", "--porcelain") == ""


def test_mode_and_owner_of_a_manifest_stay(base: Path) -> None:
    path = base / "desired/pages.yaml"
    path.chmod(0o640)
    os.chown(path, 0, 4)
    put(base, 8080)
    found = path.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_gid) == (0o640, 4)
