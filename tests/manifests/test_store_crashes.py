"""Edits that are killed, or made by many at once: the old commit or the new one, and nobody is held up."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conduit.errors import Stale
from conduit.manifests import store
from conduit.manifests.store import SetField
from conduit.model import Key
from conduit.providers.git import GIT_FAILED
from tests.conftest import ROOT
from tests.failing import at
from tests.manifests.store_world import ANN, git, put, refused, save, store_at

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


def killed(base: Path, point: str, what: str = "set") -> None:
    """Make an edit of a process that is killed at a failpoint."""
    environment = os.environ | at(point) | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED, str(base), what], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("what", ["set", "add", "remove"])
@pytest.mark.parametrize("point", ["edit.locked", "edit.staged", "edit.committed", "edit.renamed"])
def test_r1_a_killed_edit_is_the_old_commit_or_the_new_one_never_a_mix(base: Path, point: str, what: str) -> None:
    (base / "desired/only.yaml").write_text("pages:\n  only: {}\n")
    save(base)
    old = git(base, "rev-parse", "HEAD")
    killed(base, point, what)
    told = store_at(base).recover()
    committed = git(base, "rev-parse", "HEAD") != old
    assert committed == (point in ("edit.committed", "edit.renamed"))
    assert len(told) == (point in ("edit.staged", "edit.committed"))
    assert git(base, "status", "--porcelain") == ""
    assert not list((base / "desired").rglob(".conduit-*"))
    put(base, 4711)
    assert git(base, "status", "--porcelain", "desired/pages.yaml") == ""


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


def test_an_edit_that_waited_in_vain_takes_no_lock_later(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waits is in the kernel's queue, and would get the lock when nobody is there to let go of it."""
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.2)
    holder = os.open(base / "desired", os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    assert refused(lambda: put(base, 1)) is store.BUSY
    os.close(holder)
    monkeypatch.undo()
    put(base, 2)
    assert git(base, "log", "--format=%s", "-1") == "Move the wiki\n"


def writer(base: Path, name: str, count: int, acknowledged: Any) -> None:
    """Edit one field of one shared file and a file of one's own, again and again."""
    manifests = store_at(base)
    for number in range(count):
        key = Key("page", "wiki" if number % 2 else name)
        edit = SetField("headers." + name, str(number)) if number % 2 else SetField("", {"port": number + 1})
        try:
            acknowledged.put(manifests.edit(key, [edit], f"{name} {number}", ANN).commit)
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
