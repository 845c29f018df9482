"""A change of dnsmasq that fails, is killed or hangs on the way: what was there before is served again."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from dnsmasq_world import MOVED_A, TEXT, A, FailAt, Killed, World

from conduit.errors import Refused, RollbackFailed, Stale
from conduit.model import Key
from conduit.providers.dnsmasq_switch import MOVED, NOT_SERVED, REJECTED
from conduit.providers.transaction import Block, transact

POINTS = ["staged", "renamed", "stopped", "reloaded"]


def test_a_line_dnsmasq_refuses_blames_its_record(world: World) -> None:
    reading = world.apply(t=TEXT)
    before = world.footprint()
    bad = world.native(**TEXT) | {"type": "A", "name": "*.x.home.arpa", "value": "10.0.0.300"}
    good = world.wish(good={"name": "g.home.arpa", "type": "TXT", "value": "x"})
    document = world.provider.compose(reading, good | {Key("dns_record", "bad"): bad})
    with pytest.raises(Refused) as refused:
        world.provider.validate(document)
    assert refused.value.blamed == (Key("dns_record", "bad"),)
    assert world.footprint() == before


def test_a_restart_that_fails_is_rolled_back(world: World) -> None:
    """Another file already has that alias: `dnsmasq --test` on our file passes, the start does not."""
    world.apply(a=A, t=TEXT)
    world.conf.with_name("other.conf").write_text("cname=alias.home.arpa,a.home.arpa\n")
    stamps = [path.stat().st_mtime_ns for path in (world.hosts, world.conf)]
    with pytest.raises(Refused) as refused:
        world.apply(a=MOVED_A, t=TEXT, c={"name": "alias.home.arpa", "type": "CNAME", "value": "a.home.arpa"})
    assert refused.value.diagnostics[0].code is REJECTED
    assert "duplicate CNAME" in str(refused.value)
    assert (world.dig("a.home.arpa"), world.provider.read().stale) == (["10.0.0.5"], "")
    assert [path.stat().st_mtime_ns for path in (world.hosts, world.conf)] == stamps


def test_the_record_a_restart_fails_on_is_left_out(world: World) -> None:
    """The other file is read first, so dnsmasq names the line in ours; everything else goes through."""
    reading = world.apply(a=A, t=TEXT)
    world.conf.with_name("a.conf").write_text("cname=alias.home.arpa,a.home.arpa\n")
    alias = {"name": "alias.home.arpa", "type": "CNAME", "value": "a.home.arpa"}
    wish = world.wish(a=MOVED_A, c=alias, t=TEXT | {"value": "two"})
    _, staged = transact(world.provider, reading, {key: Block(native) for key, native in wish.items()})
    assert set(staged.quarantined) == {Key("dns_record", "c")}
    assert (world.dig("a.home.arpa"), world.dig("t.home.arpa", "TXT")) == (["10.0.0.9"], ['"two"'])


def test_a_conf_dir_that_is_not_included_is_told(world: World) -> None:
    main = world.daemon.directory / "dnsmasq.conf"
    main.write_text("".join(line for line in main.open() if not line.startswith("conf-dir")))
    with pytest.raises(Refused) as refused:
        world.apply(a=A)
    assert refused.value.diagnostics[0].code is NOT_SERVED
    assert not world.hosts.exists()
    assert not world.conf.exists()
    assert world.daemon.running


def test_files_that_moved_since_the_plan_stop_it(world: World) -> None:
    reading = world.apply(a=A)
    document = world.provider.compose(reading, world.wish(a=MOVED_A))
    world.hosts.write_text(world.hosts.read_text() + "10.0.0.1 new.home.arpa\n")
    with pytest.raises(Stale) as stale:
        world.provider.commit(document, reading)
    assert stale.value.diagnostics[0].code is MOVED
    assert "new.home.arpa" in world.hosts.read_text()


@pytest.mark.parametrize("point", POINTS)
def test_an_error_while_writing_is_undone(world: World, point: str) -> None:
    world.apply(a=A, t=TEXT)
    stamps = [path.stat().st_mtime_ns for path in (world.hosts, world.conf)]
    world.fail = FailAt(point, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(Refused, match="No space left"):
        world.apply(a=MOVED_A, t=TEXT | {"value": "two"})
    assert [path.stat().st_mtime_ns for path in (world.hosts, world.conf)] == stamps
    assert (world.dig("a.home.arpa"), world.dig("t.home.arpa", "TXT")) == (["10.0.0.5"], ['"one"'])
    assert world.provider.read().stale == ""


@pytest.mark.parametrize("point", [*POINTS, "after"])
def test_a_killed_run_is_finished_by_the_next(world: World, point: str) -> None:
    wish = {"a": MOVED_A, "t": TEXT | {"value": "two"}}
    world.apply(a=A, t=TEXT)
    world.fail = FailAt(point, Killed())
    with pytest.raises(Killed):
        world.apply(**wish)
    told = world.provider.recover()
    assert told == (("dnsmasq was not running; started it",) if point == "stopped" else ())
    world.apply(**wish)
    before = world.footprint()
    world.apply(**wish)
    assert world.footprint() == before
    assert (world.dig("a.home.arpa"), world.dig("t.home.arpa", "TXT")) == (["10.0.0.9"], ['"two"'])


def test_temporary_files_of_a_killed_run_are_cleared(world: World) -> None:
    world.apply(a=A)
    ours, theirs = (world.conf.with_name(f".conduit-{name}.4711.tmp") for name in (world.conf.name, "other.conf"))
    ours.touch()
    theirs.touch()
    assert world.provider.recover() == (f"removed {ours}, left by a killed run",)
    assert (ours.exists(), theirs.exists()) == (False, True)


def test_a_dnsmasq_that_hangs_in_the_middle_is_told_as_such(world: World) -> None:
    reading = world.apply(a=A)
    document = world.provider.compose(reading, world.wish(a=MOVED_A))
    old = world.hosts.read_bytes()
    world.daemon.pause()
    with pytest.raises(RollbackFailed, match="does not serve them"):
        world.provider.commit(document, reading)
    world.daemon.resume()
    assert world.hosts.read_bytes() == old
    assert world.dig("a.home.arpa") == ["10.0.0.5"]


@pytest.fixture
def closed(world: World) -> Iterator[Path]:
    """The directory of the hosts file, closed to everybody but root."""
    directory = world.hosts.parent
    directory.chmod(0o700)
    yield directory
    directory.chmod(0o755)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can close a directory to dnsmasq's user")
def test_a_directory_closed_to_dnsmasqs_user_is_refused_first(world: World, closed: Path) -> None:
    world.daemon.section["user"] = "nobody"
    with pytest.raises(Refused, match=f"user nobody cannot pass {closed}"):
        world.apply(a=A)
    assert not world.conf.exists()
    assert str(closed) in next(iter(world.provider.check()))
    closed.chmod(0o711)
    world.apply(a=A)
    assert world.dig("a.home.arpa") == ["10.0.0.5"]
