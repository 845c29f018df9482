"""A head that was kept outside, in git, a file or behind a URL, tells of a rewrite that the chain alone cannot."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conduit.audit.trail import Trail
from conduit.audit.upkeep import Upkeep
from conduit.audit.verify import Verdict
from conduit.errors import ConduitError
from conduit.model import Secret
from conduit.sandbox.machine import answers, free_port
from conduit.settings import AuditTrail, Settings
from tests.audit.conftest import act, fill


@pytest.fixture
def repository(place: Settings) -> Callable[..., str]:
    """The site in git; the value runs git there and returns what it says."""
    place.desired.mkdir()

    def git(*words: str) -> str:
        argv = ["git", "-C", str(place.desired), "-c", "user.name=t", "-c", "user.email=t@t", *words]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    git("init", "-q", "-b", "main")
    (place.desired / "a.yaml").write_text("services: {}\n")
    git("add", ".")
    git("commit", "-qm", "first")
    return git


def test_the_head_goes_into_git_and_touches_nobodys_branch(place: Settings, repository: Callable[..., str]) -> None:
    upkeep = Upkeep(fill(place, 3), place, str)
    before = repository("status", "--porcelain"), repository("rev-parse", "HEAD")
    for _ in range(2):
        upkeep.trail.append(act())
        assert upkeep.trail.sign()
        upkeep.anchor()
    assert (repository("status", "--porcelain"), repository("rev-parse", "HEAD")) == before
    assert repository("branch", "--all").split() == ["*", "main"]
    log = repository("log", "--format=%s", "refs/conduit/audit").splitlines()
    assert ['"entry":5' in log[0], '"entry":4' in log[1], len(log)] == [True, True, 2]


def test_a_lock_that_a_killed_anchoring_left_holds_up_nobody(place: Settings, repository: Callable[..., str]) -> None:
    """Regression: killed in the instant of a write to git, conduit could never anchor there again."""
    upkeep = Upkeep(fill(place, 3), place, str)
    upkeep.trail.sign()
    upkeep.anchor()
    lock = place.desired / ".git" / "refs" / "conduit" / "audit.lock"
    lock.touch()
    os.utime(lock, (1e9, 1e9))
    upkeep.trail.append(act())
    upkeep.trail.sign()
    upkeep.anchor()
    assert '"entry":4' in repository("log", "--format=%s", "-1", "refs/conduit/audit")
    assert not lock.exists()


def test_a_lock_that_somebody_gives_back_is_not_taken_from_them(
    place: Settings, repository: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep = Upkeep(fill(place, 3), place, str)
    lock = place.desired / ".git" / "refs" / "conduit" / "audit.lock"
    lock.parent.mkdir()
    lock.touch()
    removed = []
    monkeypatch.setattr("conduit.providers.git_locks.remove_file", removed.append)
    monkeypatch.setattr("conduit.providers.git_locks.time.sleep", lambda seconds: lock.unlink())
    upkeep.trail.sign()
    upkeep.anchor()
    assert removed == []
    assert '"entry":3' in repository("log", "--format=%s", "-1", "refs/conduit/audit")


def beheaded(place: Settings) -> None:
    """Take what is kept beside the keys away, so that only what is outside can tell."""
    (place.keys_dir / "audit.head").unlink()


@pytest.mark.parametrize("outside", ["git", "file"])
@pytest.mark.parametrize("attack", ["cut", "rewritten", "older copy", "gone"])
def test_the_anchor_tells_what_the_chain_cannot(
    place: Settings, tmp_path: Path, repository: Callable[..., str], outside: str, attack: str
) -> None:
    if outside == "file":
        shutil.rmtree(place.desired / ".git")
        place = place.model_copy(update={"audit": AuditTrail(anchor=str(tmp_path / "anchor.jsonl"))})
    upkeep = Upkeep(fill(place, 12), place, str)
    shutil.copytree(upkeep.trail.directory, tmp_path / "older")
    for number in range(8):
        upkeep.trail.append(act(number))
    upkeep.trail.sign()
    upkeep.anchor()
    assert upkeep.verify()[0].bad is None
    (segment,) = upkeep.trail.chain.segments()
    beheaded(place)
    shutil.rmtree(upkeep.trail.directory / "checkpoints")
    if attack == "cut":
        segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:-10]))
    else:
        shutil.rmtree(upkeep.trail.directory)
    if attack == "older copy":
        shutil.copytree(tmp_path / "older", upkeep.trail.directory)
    elif attack == "rewritten":
        fill(place, 25)
    bad = Upkeep(Trail(place), place, str).verify()[0].bad
    assert bad
    first = {"cut": 11, "rewritten": 20, "older copy": 13, "gone": 1}[attack]
    assert bad.seq == first, bad
    assert ("refs/conduit/audit" if outside == "git" else "anchor.jsonl") in bad.reason


def test_an_anchor_is_never_set_back(place: Settings, tmp_path: Path) -> None:
    place = place.model_copy(update={"audit": AuditTrail(anchor=str(tmp_path / "anchor.jsonl"))})
    upkeep = Upkeep(fill(place, 9), place, str)
    upkeep.trail.sign()
    upkeep.anchor()
    shutil.rmtree(place.state_dir)
    beheaded(place)
    again = Upkeep(fill(place, 2), place, str)
    again.trail.sign()
    again.anchor()
    assert (tmp_path / "anchor.jsonl").read_text().count("\n") == 1
    assert again.verify()[0].bad is not None


def test_an_anchor_somebody_else_wrote_is_told(place: Settings, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.jsonl"
    place = place.model_copy(update={"audit": AuditTrail(anchor=str(anchor))})
    upkeep = Upkeep(fill(place, 2), place, str)
    upkeep.trail.sign()
    upkeep.anchor()
    anchor.write_text(anchor.read_text().replace('"entry":2', '"entry":1'))
    assert [each.code.id for each in upkeep.verify()[1]] == ["CND-2106"]
    anchor.unlink()
    anchor.mkdir()
    assert [each.code.id for each in upkeep.verify()[1]] == ["CND-2105"]


@pytest.fixture
def url(tmp_path: Path, wait_for: Callable[..., Any]) -> Iterator[str]:
    """The URL of a server on this machine that keeps what is put to it."""
    port = free_port()
    server = subprocess.Popen([sys.executable, str(Path(__file__).parent / "url_store.py"), str(port), str(tmp_path)])
    try:
        wait_for(lambda: answers(f"127.0.0.1:{port}"), "the server answers")
        yield f"http://me:canary@127.0.0.1:{port}/anchor"
    finally:
        server.kill()
        server.wait()


def test_an_anchor_behind_a_url_is_read_back(place: Settings, tmp_path: Path, url: str) -> None:
    place = place.model_copy(update={"audit": AuditTrail(anchor=Secret(name="anchor"))})
    upkeep = Upkeep(fill(place, 2), place, {"anchor": url}.__getitem__)
    assert upkeep.verify() == (Verdict(1, 2, 0, None), [])
    upkeep.trail.sign()
    upkeep.anchor()
    assert json.loads((tmp_path / "text").read_text())["entry"] == 2
    (segment,) = upkeep.trail.chain.segments()
    good = segment.read_bytes()
    beheaded(place)
    shutil.rmtree(upkeep.trail.directory / "checkpoints")
    segment.write_bytes(good.splitlines(keepends=True)[0])
    bad = upkeep.verify()[0].bad
    assert bad
    assert "the secret URL of audit.anchor knows entry 2" in bad.reason
    segment.write_bytes(good)
    upkeep.trail.append(act())
    upkeep.trail.sign()
    (tmp_path / "lame").touch()
    with pytest.raises(ConduitError, match="does not come back") as told:
        upkeep.anchor()
    assert "canary" not in str(told.value)
