"""What every leaf kind promises, on a real dnsmasq: nothing twice, one field at a time, damage seen and healed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from dnsmasq_world import FailAt, Killed, World

from conduit.diff import compare
from conduit.errors import Unreadable
from conduit.model import UNRESOLVED, Claim, Key

A = {"name": "a.home.arpa", "value": "10.0.0.5"}
B = {"name": "b.home.arpa", "value": "10.0.0.6"}
TEXT = {"name": "t.home.arpa", "type": "TXT", "value": "one"}


def rewrite(world: World, change: Callable[[str], str], *, tell: bool = True) -> None:
    """Change the hosts file behind conduit's back, and perhaps let dnsmasq read it."""
    world.hosts.write_text(change(world.hosts.read_text()))
    if tell:
        os.kill(world.daemon.pid, signal.SIGHUP)


def test_nothing_is_there_before_the_first_apply(world: World) -> None:
    reading = world.provider.read()
    assert (reading.frame, reading.stale, reading.objects["dns_record"]) == (None, "", ())


def test_a_second_apply_writes_nothing_and_signals_nobody(world: World) -> None:
    world.apply(a=A, t=TEXT)
    before, version = world.footprint(), world.provider.read().version
    reading = world.apply(a=A, t=TEXT)
    assert world.footprint() == before
    assert (reading.version, reading.stale) == (version, "")
    assert reading.frame == world.provider.frame({})


def test_one_field_changes_exactly_that_field(world: World) -> None:
    world.apply(a=A, b=B)
    wish = world.kind.spec(**A | {"value": "10.0.0.9"})
    assert [change.path for change in compare(world.observed()["a"], wish)] == ["value"]
    world.apply(a=A | {"value": "10.0.0.9"}, b=B)
    assert (world.dig("a.home.arpa"), world.dig("b.home.arpa")) == (["10.0.0.9"], ["10.0.0.6"])


def test_a_changed_address_is_drift_of_its_record(world: World) -> None:
    world.apply(a=A, b=B)
    rewrite(world, lambda text: text.replace("10.0.0.5", "10.6.6.6"))
    assert world.observed()["a"].value == "10.6.6.6"
    assert world.provider.read().stale == f"{world.hosts} was changed by hand"
    world.apply(a=A, b=B)
    assert world.dig("a.home.arpa") == ["10.0.0.5"]
    assert world.provider.read().stale == ""


def test_a_deleted_line_is_a_missing_record(world: World) -> None:
    world.apply(a=A, b=B)
    rewrite(world, lambda text: "\n".join(line for line in text.split("\n") if "b.home.arpa" not in line))
    assert set(world.observed()) == {"a"}
    world.apply(a=A, b=B)
    assert world.dig("b.home.arpa") == ["10.0.0.6"]


def test_lines_nobody_knows_are_drift_of_the_frame(world: World) -> None:
    world.apply(a=A, t=TEXT)
    rewrite(world, lambda text: text + "what is this\n")
    world.conf.write_text(world.conf.read_text() + "server=9.9.9.9\n")
    frame = world.provider.read().frame
    assert [line.split(": ", 1)[1] for line in frame["unknown"]] == ["server=9.9.9.9", "what is this"]
    shown = world.provider.explain_frame(frame, world.provider.frame({}))
    assert shown == (("conduit.conf:7", "server=9.9.9.9", UNRESOLVED), ("conduit.hosts:4", "what is this", UNRESOLVED))
    assert world.apply(a=A, t=TEXT).frame["unknown"] == []
    assert "server=" not in world.conf.read_text()


@pytest.mark.parametrize(
    "line", ['txt-record=x.home.arpa,"ä"', f'txt-record=x.home.arpa,"{"y" * 256}"', "10.0.0 x.home.arpa"]
)
def test_a_strangers_line_that_cannot_be_written_again_is_drift(world: World, line: str) -> None:
    """Regression: such a line, kept as somebody else's record, made every later change impossible."""
    world.apply(a=A)
    world.conf.write_text(world.conf.read_text() + line + "\n")
    assert len(world.provider.read().frame["unknown"]) == 1
    world.apply(a=A, b=B)
    assert (world.dig("b.home.arpa"), world.provider.read().frame["unknown"]) == (["10.0.0.6"], [])


def test_a_removed_local_line_is_drift(world: World) -> None:
    world.apply(a=A)
    world.conf.write_text(world.conf.read_text().replace("local=/lan.example/\n", ""))
    assert world.provider.read().frame["local"] == ["home.arpa"]
    assert world.apply(a=A).frame["local"] == ["home.arpa", "lan.example"]


def test_undeclared_records_go(world: World) -> None:
    world.apply(a=A, t=TEXT)
    world.apply()
    assert (world.dig("a.home.arpa"), world.dig("t.home.arpa", "TXT"), world.lives()) == ([], [], ())


def test_a_strangers_record_stays_and_can_be_adopted(world: World) -> None:
    world.apply(a=A)
    rewrite(world, lambda text: text + "10.0.0.77 old.home.arpa\n")
    world.apply(a=A, b=B)
    stranger = next(live for live in world.lives() if not live.owned)
    assert world.dig("old.home.arpa") == ["10.0.0.77"]
    assert stranger.claims == {Claim("dns", ("old.home.arpa", "A"))}
    world.apply(a=A, b=B, old={"name": "old.home.arpa", "value": "10.0.0.78"})
    assert world.dig("old.home.arpa") == ["10.0.0.78"]
    assert {live.key.name: live.owned for live in world.lives()} == {"a": True, "b": True, "old": True}


@pytest.mark.parametrize(
    "line",
    [
        "10.0.0.66 evil.home.arpa # a {mark}",
        "10.0.0.66 evil.home.arpa # other {mark}",
        "10.0.0.66 evil.home.arpa # b 00",
    ],
)
def test_a_copied_or_forged_mark_makes_nothing_ours(world: World, line: str) -> None:
    world.apply(a=A)
    mark = next(line for line in world.hosts.read_text().split("\n") if "a.home.arpa # a" in line).split()[-1]
    rewrite(world, lambda text: text + line.format(mark=mark) + "\n")
    assert {live.key.name: live.owned for live in world.lives()} == {"a": True, "evil-home-arpa": False}
    world.apply()
    assert world.dig("evil.home.arpa") == ["10.0.0.66"], "what is not ours is never deleted"


@pytest.mark.parametrize("line", ["10.0.0.66 a.home.arpa", "10.0.0.66 a.home.arpa # a {mark}"])
def test_a_second_answer_for_our_name_is_drift(world: World, line: str) -> None:
    world.apply(a=A)
    mark = next(line for line in world.hosts.read_text().split("\n") if "a.home.arpa # a" in line).split()[-1]
    rewrite(world, lambda text: text + line.format(mark=mark) + "\n")
    assert len(world.provider.read().frame["unknown"]) == 1
    world.apply(a=A)
    assert world.dig("a.home.arpa") == ["10.0.0.5"]


def test_other_peoples_files_are_listed_and_left_alone(world: World) -> None:
    other = world.conf.with_name("other.conf")
    other.write_text("address=/nas.home.arpa/10.0.0.50\ncname=files.home.arpa,nas.home.arpa # mine\n")
    world.apply(a=A)
    strangers = {live.native["name"]: live.place for live in world.lives() if not live.owned}
    assert strangers == {"nas.home.arpa": f"{other}:1", "files.home.arpa": f"{other}:2"}
    assert not any(live.claims for live in world.lives()), "what stands in another file cannot be adopted"


def test_protection_is_kept_on_the_live_record(world: World) -> None:
    world.apply(protected=("a", "t"), a=A, b=B, t=TEXT)
    assert {live.key.name for live in world.lives() if live.protected} == {"a", "t"}
    rewrite(world, lambda text: text.replace(" protected", ""))
    assert "a" not in world.observed(), "protection is signed"


def test_files_dnsmasq_was_not_told_of_are_stale(world: World) -> None:
    world.apply(a=A, t=TEXT)
    wish = {"a": A | {"value": "10.0.0.9"}, "t": TEXT | {"value": "two"}}
    world.fail = FailAt("renamed", Killed())
    with pytest.raises(Killed):
        world.apply(**wish)
    assert world.observed()["a"].value == "10.0.0.9"
    stale = world.provider.read().stale
    assert stale == f"{world.hosts} is not the one dnsmasq serves; {world.conf} is not the one dnsmasq serves"
    world.apply(**wish)
    assert (world.dig("a.home.arpa"), world.provider.read().stale) == (["10.0.0.9"], "")


def test_an_edit_that_was_taken_back_is_seen_by_its_stamp(world: World) -> None:
    """The file and its hash are as they were, and dnsmasq still serves what it read in between."""
    world.apply(a=A)
    content = world.hosts.read_text()
    rewrite(world, lambda text: text.replace("10.0.0.5", "10.6.6.6"))
    rewrite(world, lambda text: content, tell=False)
    assert world.observed()["a"].value == "10.0.0.5"
    assert world.provider.read().stale == f"{world.hosts} was changed by hand"
    world.apply(a=A)
    assert (world.dig("a.home.arpa"), world.provider.read().stale) == (["10.0.0.5"], "")


def test_an_edit_that_keeps_the_time_is_seen_by_its_hash(world: World) -> None:
    world.apply(a=A)
    stamp = world.hosts.stat().st_mtime_ns
    world.hosts.write_text(world.hosts.read_text().replace("# Written", "# written"))
    os.utime(world.hosts, ns=(stamp, stamp))
    assert world.provider.read().stale == f"{world.hosts} was changed by hand"


@pytest.mark.parametrize("name", ["hosts", "conf"])
def test_a_deleted_file_comes_back(world: World, name: str) -> None:
    world.apply(a=A, t=TEXT)
    path = world.hosts if name == "hosts" else world.conf
    path.unlink()
    assert world.provider.read().stale == (f"{path} is gone" if name == "hosts" else "")
    world.apply(a=A, t=TEXT)
    assert (world.dig("a.home.arpa"), world.dig("t.home.arpa", "TXT")) == (["10.0.0.5"], ['"one"'])


def test_a_dead_or_hanging_dnsmasq_is_unreadable(world: World) -> None:
    world.apply(a=A)
    world.daemon.pause()
    with pytest.raises(Unreadable, match="does not answer"):
        world.provider.read()
    world.daemon.resume()
    assert world.observed()["a"].value == "10.0.0.5"
    world.daemon.stop()
    with pytest.raises(Unreadable, match="does not answer"):
        world.provider.read()


def test_a_link_in_place_of_our_file_is_unreadable(world: World) -> None:
    world.apply(a=A)
    world.hosts.rename(world.hosts.with_name("moved"))
    world.hosts.symlink_to("/etc/hostname")
    with pytest.raises(Unreadable, match="cannot read"):
        world.provider.read()


def test_the_keys_of_live_records_are_their_resources(world: World) -> None:
    world.apply(wiki_web=A)
    assert [live.key for live in world.lives()] == [Key("dns_record", "wiki-web")]
