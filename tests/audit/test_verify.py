"""Any edit of a trail is found, and the first bad entry is named; so is a rewrite, by whoever kept something of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from conduit import chain_writer
from conduit.audit import upkeep as module
from conduit.audit.checkpoints import read_stub
from conduit.audit.key import PublicKey
from conduit.audit.sealing import remove_old, set_aside
from conduit.audit.trail import Trail
from conduit.audit.upkeep import Upkeep
from conduit.audit.verify import Verdict, Witness, verify
from conduit.errors import ConduitError
from conduit.model import Secret
from conduit.sandbox.machine import answers, free_port
from conduit.settings import AuditTrail, Settings
from tests.audit.conftest import act, fill

Lines = list[bytes]


def flip(lines: Lines, random: Random) -> tuple[Lines, int]:
    number = random.randrange(len(lines))
    line = bytearray(lines[number])
    line[random.randrange(len(line) - 1)] ^= 1 << random.randrange(8)
    return [*lines[:number], bytes(line), *lines[number + 1 :]], number


def drop(lines: Lines, random: Random) -> tuple[Lines, int]:
    number = random.randrange(len(lines))
    return [*lines[:number], *lines[number + random.randint(1, 3) :]], number


def swap(lines: Lines, random: Random) -> tuple[Lines, int]:
    first, second = sorted(random.sample(range(len(lines)), 2))
    changed = list(lines)
    changed[first], changed[second] = lines[second], lines[first]
    return changed, first


def insert(lines: Lines, random: Random) -> tuple[Lines, int]:
    number = random.randrange(len(lines) + 1)
    return [*lines[:number], random.choice([*lines, b"\n", b"{}\n"]), *lines[number:]], number


def cut(lines: Lines, random: Random) -> tuple[Lines, int]:
    number = random.randrange(len(lines))
    return lines[:number], number


EDITS = (flip, drop, swap, insert, cut)


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.soak)])
def test_any_edit_is_found_and_the_first_bad_entry_named(
    place: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(chain_writer, "SEGMENT_SIZE", 20_000)
    trail = fill(place, 130)
    segments = trail.chain.segments()
    whole = [line for segment in segments for line in segment.read_bytes().splitlines(keepends=True)]
    sizes = [segment.read_bytes().count(b"\n") for segment in segments]
    assert len(segments) > 2
    copy = tmp_path / "copy"
    shutil.copytree(trail.directory, copy)
    head = trail.head.read()
    assert head
    for seed in range(count):
        random = Random(seed)
        edit = EDITS[seed % len(EDITS)]
        lines, first = edit(whole, random)
        spread(copy, segments, sizes, lines)
        verdict = verify(copy, trail.key.public, trail.key.mac, [Witness("the head", *head)])
        assert verdict.bad is not None, (edit.__name__, seed)
        same = lines[: first + 1] == whole[: first + 1]  # an inserted twin: the one after it is the first that is wrong
        assert verdict.bad.seq == first + 1 + same, (edit.__name__, seed, verdict.bad)


def spread(directory: Path, segments: list[Path], sizes: list[int], lines: Lines) -> None:
    """Write lines over the segments as they were; the last takes what is left."""
    for number, (segment, size) in enumerate(zip(segments, sizes, strict=True)):
        part, lines = (lines[:size], lines[size:]) if number < len(sizes) - 1 else (lines, [])
        (directory / segment.name).write_bytes(b"".join(part))


def test_the_public_key_alone_proves_it_on_another_machine(place: Settings, tmp_path: Path) -> None:
    trail = fill(place, 205)
    pem = tmp_path / "conduit.pem"
    pem.write_text(trail.key.public.pem())
    copy = tmp_path / "copy"
    shutil.copytree(trail.directory, copy)
    shutil.rmtree(place.keys_dir)
    public = PublicKey.read(pem)
    assert verify(copy, public) == Verdict(1, 205, 200, None)
    shown = subprocess.run(
        ["openssl", "pkey", "-pubin", "-in", str(pem), "-noout", "-text"], capture_output=True, check=True
    )
    assert b"ED25519" in shown.stdout
    (segment,) = trail.chain.segments()
    lines = segment.read_bytes().splitlines(keepends=True)
    (copy / segment.name).write_bytes(b"".join(lines[:150]))
    bad = verify(copy, public).bad
    assert bad
    assert (bad.seq, "a checkpoint knows entry 200" in bad.reason) == (151, True)


def test_a_rewrite_without_the_key_is_found_by_the_public_key(place: Settings, tmp_path: Path) -> None:
    public = fill(place, 105).key.public
    forger = Settings(state_dir=tmp_path / "forged", keys_dir=tmp_path / "forged keys")
    forged = fill(forger, 105)
    bad = verify(forged.directory, public).bad
    assert bad
    assert "a checkpoint this site did not sign" in bad.reason
    shutil.rmtree(forged.directory / "checkpoints")
    bad = verify(forged.directory, public).bad
    assert bad
    assert "covered by no checkpoint" in bad.reason


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


def days_later(monkeypatch: pytest.MonkeyPatch, place: Settings, days: int) -> None:
    """Let what was written until now be so many days old."""
    from conduit.audit import sealing

    now = sealing.time.time()
    monkeypatch.setattr(sealing.time, "time", lambda: now + days * 86400)


def test_old_segments_leave_a_stub_and_the_rest_still_holds(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = fill(place, 120)
    trail.seal()
    trail.append(act())
    assert len(trail.chain.segments()) == 2
    assert remove_old(trail, 30) == 0
    days_later(monkeypatch, place, 31)
    assert remove_old(trail, 30) == 120
    assert [entry.seq for entry in trail.entries()] == [121]
    stub = read_stub(trail.directory)
    assert (stub.entry, stub.reason, stub.holds(trail.key.public)) == (120, "retention", True)
    assert Upkeep(trail, place, str).verify()[0] == Verdict(121, 121, 120, None)
    trail.append(act())
    assert Upkeep(Trail(place), place, str).verify()[0].bad is None
    forged = stub._replace(entry=119)
    (trail.directory / "stub.json").write_text(forged.text())
    bad = Upkeep(trail, place, str).verify()[0].bad
    assert bad
    assert "was not signed by this site" in bad.reason


def test_what_begins_after_a_stub_is_held_against_the_stub(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = fill(place, 5)
    trail.seal()
    trail.append(act())
    days_later(monkeypatch, place, 400)
    assert remove_old(trail, 30) == 5
    stub = read_stub(trail.directory)
    good, wrong = Witness("a friend", 5, stub.hash), Witness("a friend", 5, "0" * 64)
    assert verify(trail.directory, trail.key.public, trail.key.mac, [good]).bad is None
    bad = verify(trail.directory, trail.key.public, trail.key.mac, [wrong]).bad
    assert bad
    assert "entry 5 is another one than a friend knows" in str(bad)


def test_old_segments_that_were_changed_are_kept_as_evidence(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = fill(place, 10)
    trail.seal()
    trail.append(act())
    first = trail.chain.segments()[0]
    first.write_bytes(first.read_bytes().replace(b"service/s3", b"service/s8"))
    days_later(monkeypatch, place, 400)
    with pytest.raises(ConduitError, match="CND-2103"):
        remove_old(trail, 30)
    assert first.exists()


def test_upkeep_cleans_and_says_so(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = fill(place, 10)
    trail.seal()
    trail.append(act())
    days_later(monkeypatch, place, 366)
    Upkeep(trail, place, str).tend()
    newest = trail.newest(1)[0]
    assert (newest.event, newest.data["sort"], newest.data["message"]) == (
        "audit_cleanup",
        "system",
        "removed 10 entries older than 365 days",
    )


def test_a_trail_set_aside_stays_as_evidence_and_the_new_one_says_so(place: Settings) -> None:
    trail = fill(place, 20)
    (segment,) = trail.chain.segments()
    segment.write_bytes(b"".join(segment.read_bytes().splitlines(keepends=True)[:-10]))
    known = Upkeep(trail, place, str).witnesses()[0]
    aside = set_aside(trail, "restored from the backup of May", "mona", known)
    assert (aside / segment.name).read_bytes().count(b"\n") == 10
    entry = trail.newest(1)[0]
    assert (entry.seq, entry.event, entry.data["user"]) == (21, "trail_set_aside", "mona")
    assert "restored from the backup of May" in entry.data["message"]
    trail.append(act())
    assert Upkeep(Trail(place), place, str).verify()[0].bad is None


def test_entries_wait_ten_minutes_for_a_checkpoint_at_most(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    upkeep = Upkeep(fill(place, 3), place, str)
    upkeep.tend()
    assert list(upkeep.trail.checkpoints.newest()) == []
    now = module.time.time()
    monkeypatch.setattr(module.time, "time", lambda: now + 601)
    upkeep.tend()
    assert [each.entry for each in upkeep.trail.checkpoints.newest()] == [3]
    upkeep.tend()
    assert len(list(upkeep.trail.checkpoints.newest())) == 1


def test_any_flip_of_a_checkpoint_is_found(place: Settings) -> None:
    trail: Any = fill(place, 100)
    (segment,) = trail.checkpoints.chain.segments()
    whole = segment.read_bytes()
    for offset in range(0, len(whole) - 1, 3):
        segment.write_bytes(whole[:offset] + bytes([whole[offset] ^ 1]) + whole[offset + 1 :])
        assert verify(trail.directory, trail.key.public).bad, offset
