"""Old segments leave a signed stub, a changed trail is kept as evidence, and no entry waits long for a checkpoint."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from conduit.audit import upkeep as module
from conduit.audit.checkpoints import read_stub
from conduit.audit.sealing import remove_old, set_aside
from conduit.audit.trail import Trail
from conduit.audit.upkeep import Upkeep
from conduit.audit.verify import Verdict, Witness, verify
from conduit.errors import ConduitError
from conduit.settings import Settings
from tests.audit.conftest import act, fill


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
    forged = replace(stub, entry=119)
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
