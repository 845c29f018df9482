"""The trail on disk: several writers, kills, full disks, and no entry after one that somebody changed."""

from __future__ import annotations

import hmac
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conduit.audit.reserve import SIZE
from conduit.audit.trail import Trail
from conduit.audit.upkeep import Upkeep
from conduit.errors import ConduitError, Unreadable
from conduit.settings import Settings
from tests.audit.conftest import act, fill, fill_up
from tests.conftest import missing

APPEND = """
import sys
from pathlib import Path
from conduit.audit.act import Act
from conduit.audit.trail import Trail
from conduit.settings import Settings
place = Path(sys.argv[1])
trail = Trail(Settings(state_dir=place / "state", keys_dir=place / "keys"))
for number in range(int(sys.argv[2])):
    trail.append(Act("edit", "success", "x" * 300, sys.argv[3]))
    print(trail.total, flush=True)
"""


def holds(settings: Settings) -> str:
    """Return why a trail does not hold, "" when it does."""
    verdict, problems = Upkeep(Trail(settings), settings, str).verify()
    assert problems == []
    return str(verdict.bad or "")


@pytest.fixture
def appending(place: Settings) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`appending(count, who)` starts a process that appends, and prints the number of entries after each."""
    started = []

    def start(count: int, who: str) -> subprocess.Popen[str]:
        argv = (sys.executable, "-c", APPEND, str(place.keys_dir.parent), str(count), who)
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        started.append(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


def test_a_new_trail_holds_and_is_signed_every_hundred_entries(place: Settings) -> None:
    assert holds(place) == ""
    trail = fill(place, 250)
    assert holds(place) == ""
    assert [each.entry for each in trail.checkpoints.newest()] == [200, 100]
    assert all(each.holds(trail.key.public) for each in trail.checkpoints.newest())


def test_several_processes_write_one_chain(place: Settings, appending: Callable[..., subprocess.Popen[str]]) -> None:
    writers = [appending(60, f"writer {number}") for number in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    trail = Trail(place)
    users = [entry.data["user"] for entry in trail.entries()]
    assert sorted(users) == sorted(f"writer {number}" for number in range(4) for _ in range(60))
    assert holds(place) == ""


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.soak)])
def test_a_kill_while_appending_leaves_a_chain_that_holds(
    place: Settings, appending: Callable[..., subprocess.Popen[str]], kills: int
) -> None:
    told = 0
    for number in range(kills):
        writer = appending(10_000, "killed")
        assert writer.stdout
        for _ in range(number % 7 + 1):
            told = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        writer.wait(20)
        assert Trail(place).total >= told, "what was told to be on disk is there"
        assert holds(place) == ""
    Trail(place).append(act())
    assert holds(place) == ""


CHANGES: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "edited": lambda lines: [*lines[:3], lines[3].replace(b"success", b"failure"), *lines[4:]],
    "swapped": lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]],
    "dropped": lambda lines: [*lines[:3], *lines[4:]],
    "cut": lambda lines: lines[:-10],
    "emptied": lambda lines: [],
    "an older copy": lambda lines: lines[:12],
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_follows_on_a_trail_that_was_changed(place: Settings, change: str) -> None:
    trail = fill(place, 20)
    (segment,) = trail.chain.segments()
    good = segment.read_bytes()
    segment.write_bytes(b"".join(CHANGES[change](good.splitlines(keepends=True))))
    assert holds(place), "verify finds it"
    for writer in (trail, Trail(place)):
        with pytest.raises(Unreadable, match="CND-2102"):
            writer.require()
        with pytest.raises(Unreadable, match="CND-2102"):
            writer.append(act())
    segment.write_bytes(good)
    trail.require()
    assert [entry.seq for entry in trail.entries()] == list(range(1, 22)), "what was owed is there, once it may be"
    assert holds(place) == ""


def test_a_trail_that_is_gone_is_told_in_the_new_one(place: Settings) -> None:
    fill(place, 5)
    shutil.rmtree(place.state_dir)
    trail = fill(place, 1)
    assert [(entry.seq, entry.event) for entry in trail.entries()] == [(6, "trail_lost"), (7, "edit")]
    assert "entry 1 is missing: there was no trail" in holds(place)


def test_a_forged_chain_with_right_hashes_is_found(place: Settings, tmp_path: Path) -> None:
    """Whoever can write the file but has no key can make hashes, and no MACs."""
    trail = fill(place, 5)
    other = Settings(state_dir=tmp_path / "other", keys_dir=tmp_path / "other keys")
    forged = fill(other, 5)
    shutil.copy(forged.chain.segments()[0], trail.chain.segments()[0])
    assert "was not written with this site's key" in holds(place)


@pytest.fixture
def small(place: Settings, run: Callable[..., object]) -> Iterator[Path]:
    """The trail's directory on a disk of 3 MiB."""
    directory = place.state_dir / "audit"
    directory.mkdir(parents=True)
    mounted = run("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(directory))
    if mounted.code:  # type: ignore[attr-defined]
        missing("this user may not mount")
    try:
        yield directory
    finally:
        run("umount", "-l", str(directory))  # a writer may still have its segment open


def test_a_full_disk_refuses_the_next_change_and_not_this_one(place: Settings, small: Path) -> None:
    trail = fill(place, 3)
    trail.require()
    assert (small / "reserve").stat().st_size == SIZE
    fill_up(small / "other")
    for number in range(20):
        trail.append(act(number))
    assert trail.total == 23, "acts that were begun are written with the reserve"
    assert not (small / "reserve").exists()
    fill_up(small / "more")
    with pytest.raises(Unreadable, match="CND-2101"):
        trail.require()
    assert holds(place) == ""
    (small / "other").unlink()
    (small / "more").unlink()
    trail.require()
    assert (small / "reserve").stat().st_size == SIZE


def test_the_mac_is_that_of_the_standard_library(place: Settings) -> None:
    key = Trail(place).key
    secret = hmac.digest((key.mac(b""), (place.keys_dir / "audit.key").read_bytes())[1], b"conduit audit mac", "sha256")
    for text in (b"", b"x", b"a" * 64, b"b" * 1000):
        assert key.mac(text) == hmac.digest(secret, text, "sha256").hex().encode()


def test_a_key_others_can_read_is_refused(place: Settings) -> None:
    trail = fill(place, 1)
    assert (place.keys_dir / "audit.key").stat().st_mode & 0o777 == 0o600
    (place.keys_dir / "audit.key").chmod(0o644)
    with pytest.raises(Unreadable, match="CND-0901"):
        Trail(place).require()
    with pytest.raises(ConduitError):
        Trail(place).key.mac(b"x")
    assert trail.total == 1
