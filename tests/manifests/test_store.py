"""The write path: an edit is on disk and in git, or nowhere; git itself is the judge."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.errors import Code, ConduitError, LoadError, Stale
from conduit.manifests.edit import NO_PLACE
from conduit.manifests.saving import DIRTY, MOVED
from conduit.manifests.store import ABSENT, RemoveField, SetField
from conduit.model import Key
from conduit.providers.git import GIT_FAILED
from tests.conftest import ROOT
from tests.manifests.store_world import ANN, PAGES, git, save, site_at, store_at

WIKI = Key("page", "wiki")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return site_at(tmp_path / "site")


def refused(call: Callable[[], Any]) -> Code:
    with pytest.raises(ConduitError) as caught:
        call()
    return caught.value.diagnostics[0].code


def put(base: Path, port: int, **more: Any) -> Any:
    return store_at(base).edit(WIKI, [SetField("port", port)], "Move the wiki", ANN, **more)


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


HOOKS = ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change", "post-checkout")


def test_y13_nothing_of_a_repository_is_executed(base: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    program.chmod(0o755)
    hooks = base / ".git/hooks"
    for name in HOOKS:
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
    (base / ".gitattributes").write_text("*.yaml filter=evil diff=evil text eol=crlf ident\n")
    git(base, "-c", "core.hooksPath=/dev/null", "add", ".gitattributes")
    git(base, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "attributes")
    settings = {
        "core.fsmonitor": str(program),
        "filter.evil.clean": str(program),
        "filter.evil.smudge": str(program),
        "filter.evil.process": str(program),
        "diff.evil.command": str(program),
        "core.sshCommand": str(program),
        "core.pager": str(program),
        "core.editor": str(program),
        "gpg.program": str(program),
        "commit.gpgSign": "true",
        "core.autocrlf": "true",
    }
    for name, value in settings.items():
        (base / ".git/config").open("a").write("[{}{}]\n\t{} = {}\n".format(*_split(name), value))
    canary.unlink(missing_ok=True)
    put(base, 8080)
    assert not canary.exists()
    committed = run_show(base)
    assert committed == (base / "desired/pages.yaml").read_bytes() == PAGES.replace(": 80 ", ": 8080 ").encode()


def _split(name: str) -> tuple[str, str, str]:
    section, *middle, key = name.split(".")
    return section, f' "{middle[0]}"' if middle else "", key


def run_show(base: Path) -> bytes:
    words = ["git", "-c", "core.fsmonitor=false", "cat-file", "blob", "HEAD:desired/pages.yaml"]
    return subprocess.run(words, cwd=base, capture_output=True, check=True, timeout=60).stdout


def test_y13_a_repository_of_somebody_else_is_refused(base: Path) -> None:
    for path in (base, *base.rglob("*")):
        os.lchown(path, 65534, 65534)
    assert refused(lambda: put(base, 8080)) is GIT_FAILED
    assert (base / "desired/pages.yaml").read_text() == PAGES


def test_y14_a_file_swapped_between_check_and_commit_is_not_overwritten(base: Path) -> None:
    store = store_at(base)
    path = base / "desired/pages.yaml"

    def swap(tree: Any) -> None:
        path.write_text("pages:\n  theirs: {}\n")

    meddled = type(store)(store.settings, store.kinds, swap)
    assert refused(lambda: meddled.edit(WIKI, [SetField("port", 1)], "No", ANN)) is MOVED
    assert path.read_text() == "pages:\n  theirs: {}\n"
    assert git(base, "rev-list", "--count", "HEAD").strip() == "1"


def test_y14_a_directory_swapped_for_a_link_is_refused(base: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (base / "desired/pages").symlink_to(outside)
    with pytest.raises(ConduitError):
        store_at(base).edit(Key("page", "new"), [SetField("", {})], "No", ANN)
    assert list(outside.iterdir()) == []


KILLED = """
import sys
from pathlib import Path
from conduit.manifests.store import RemoveField, SetField
from conduit.model import Key
from tests.manifests.store_world import ANN, store_at
store = store_at(Path(sys.argv[1]))
edits = {"set": (Key("page", "wiki"), SetField("port", 8080)), "add": (Key("page", "new"), SetField("", {"port": 1})),
         "remove": (Key("page", "only"), RemoveField())}
key, edit = edits[sys.argv[2]]
store.edit(key, [edit], "Edit", ANN)
"""


@pytest.mark.parametrize("what", ["set", "add", "remove"])
@pytest.mark.parametrize("point", ["edit.locked", "edit.staged", "edit.committed", "edit.renamed"])
def test_r1_a_killed_edit_is_the_old_commit_or_the_new_one_never_a_mix(base: Path, point: str, what: str) -> None:
    (base / "desired/only.yaml").write_text("pages:\n  only: {}\n")
    save(base)
    old = git(base, "rev-parse", "HEAD")
    environment = os.environ | {"CONDUIT_FAILPOINT": f"{point}:kill", "CONDUIT_TEST": "1", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", KILLED, str(base), what]
    done = subprocess.run(words, env=environment, cwd=ROOT, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    told = store_at(base).recover()
    committed = git(base, "rev-parse", "HEAD") != old
    assert committed == (point in ("edit.committed", "edit.renamed"))
    assert len(told) == (point in ("edit.staged", "edit.committed"))
    assert git(base, "status", "--porcelain") == ""
    assert not list((base / "desired").rglob(".conduit-*"))
    put(base, 4711)
    assert git(base, "status", "--porcelain", "desired/pages.yaml") == ""


def killed(base: Path, point: str) -> None:
    environment = os.environ | {"CONDUIT_FAILPOINT": f"{point}:kill", "CONDUIT_TEST": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(base), "set"], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("lock", ["refs/heads/main.lock", "index.lock", "HEAD.lock"])
def test_r6_a_lock_of_git_that_a_killed_edit_left_holds_up_nobody(base: Path, lock: str) -> None:
    """Regression: killed in the instant of a commit, conduit could never commit again."""
    killed(base, "edit.staged")
    (base / ".git" / lock).touch()
    assert lock.rpartition("/")[2] in store_at(base).recover()[0]
    put(base, 4711)
    assert git(base, "show", "HEAD:desired/pages.yaml").count("4711") == 1
    assert git(base, "status", "--porcelain") == ""


def test_a_lock_of_somebody_else_is_left_alone(base: Path) -> None:
    lock = base / ".git/refs/heads/main.lock"
    lock.touch()
    assert store_at(base).recover() == ()
    assert refused(lambda: put(base, 4711)) == GIT_FAILED
    os.utime(lock, (1e9, 1e9))
    killed(base, "edit.staged")
    store_at(base).recover()
    assert lock.exists(), "it is older than what the killed edit had staged"


def writer(base: Path, name: str, count: int, acknowledged: Any) -> None:
    """Edit one field of one shared file and a file of one's own, again and again."""
    store = store_at(base)
    for number in range(count):
        key = Key("page", "wiki" if number % 2 else name)
        edit = SetField("headers." + name, str(number)) if number % 2 else SetField("", {"port": number + 1})
        try:
            acknowledged.put(store.edit(key, [edit], f"{name} {number}", ANN).commit)
        except Stale:
            acknowledged.put("")


@pytest.mark.parametrize(
    ("writers", "edits"), [(6, 8), pytest.param(32, 100, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])]
)
def test_c2_every_acknowledged_edit_is_a_commit_and_every_commit_acknowledged(
    base: Path, writers: int, edits: int
) -> None:
    context = multiprocessing.get_context("spawn")
    acknowledged = context.Manager().Queue()
    tasks = [context.Process(target=writer, args=(base, f"w-{n}", edits, acknowledged)) for n in range(writers)]
    for task in tasks:
        task.start()
    told = [acknowledged.get(timeout=600) for _ in range(writers * edits)]
    for task in tasks:
        task.join(60)
    commits = git(base, "rev-list", "HEAD").split()
    assert sorted(filter(None, told)) == sorted(commits[:-1])
    assert len(commits) == writers * edits + 1
    assert git(base, "rev-list", "--min-parents=2", "HEAD") == ""
    assert git(base, "status", "--porcelain") == ""
    git(base, "fsck", "--strict")
