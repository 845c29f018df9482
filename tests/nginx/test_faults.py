"""What goes wrong around nginx: a port that is taken, a daemon that is dead, hangs or is killed, traffic meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import threading
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nginx_world import World, key_of, plain

from conduit.errors import Refused, RollbackFailed, Unreadable
from conduit.providers import nginx_switch
from conduit.providers.nginx_daemon import Daemon as Running
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import answers, free_port


def moved(target: str = "/a", name: str = "wiki.lan", **fields: Any) -> Any:
    return plain(name, redirect={"to": target}, **fields)


def test_a_file_of_somebody_else_that_is_broken_is_told_without_the_numbers_of_a_process(world: World) -> None:
    """Regression: "nginx refuses the file: 14016#14016: unknown directive ..."."""
    world.apply({"wiki": moved()})
    foreign = world.conf.with_name("zz.conf")
    foreign.write_text("broken {\n")
    with pytest.raises(Refused, match=rf'nginx refuses the file: unknown directive "broken" in {foreign}:1') as refusal:
        world.apply({"wiki": moved("/b")})
    assert (refusal.value.whole, refusal.value.blamed) == (True, ())
    foreign.unlink()


def test_a_port_somebody_holds_passes_the_check_and_is_rolled_back(world: World) -> None:
    world.apply({"wiki": moved()})
    before = world.conf.read_bytes(), world.conf.stat().st_mtime_ns
    with socket.create_server(("127.0.0.1", 0)) as holder:
        world.options["http"] = [*world.daemon.section["http"], f"127.0.0.1:{holder.getsockname()[1]}"]
        with pytest.raises(Refused, match=rf"held by .*, pid {os.getpid()}") as refusal:
            world.apply({"new": moved(name="new.lan")})
    assert refusal.value.whole
    assert (world.conf.read_bytes(), world.conf.stat().st_mtime_ns) == before
    assert world.status("http://wiki.lan/") == 302
    world.options.clear()
    assert (world.read().stale, world.diff("wiki", moved())) == ("", None)
    world.apply({"new": moved(name="new.lan")})
    assert world.status("http://new.lan/") == 302


def test_an_nginx_that_does_not_include_the_file_is_told_so(world: World, directory: Path) -> None:
    world.options["conf_file"] = str(directory / "elsewhere" / "conduit.conf")
    with pytest.raises(Refused, match="does not serve the new file"):
        world.apply({"wiki": moved()})
    assert world.read().frame is None


def test_a_stopped_nginx_is_started_for_the_first_frame(world: World) -> None:
    world.daemon.stop()
    world.apply({"wiki": moved()})
    assert world.status("http://wiki.lan/") == 302


def test_a_hanging_nginx_is_unknown_in_bounded_time(world: World, wait_for: Callable[..., Any]) -> None:
    """The first new worker answers before the second is there, and old ones go when both are."""
    world.apply({"wiki": moved()})
    wait_for(lambda: len(world.workers()) == 2, "both new workers are there, and the old ones gone")
    workers = world.workers()
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unreadable, match="no whole answer within 2 s"):
            world.read()
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    assert world.diff("wiki", moved()) is None


def test_nginx_killed_hard_comes_back_with_what_it_had(world: World, wait_for: Callable[..., Any]) -> None:
    world.apply({"wiki": moved()})
    workers = world.workers()
    world.daemon.kill()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not answers(world.daemon.address), "the workers are gone")
    with pytest.raises(Unreadable):
        world.read()
    world.daemon.start()
    assert (world.diff("wiki", moved()), world.read().stale) == (None, "")


def test_a_file_that_cannot_be_written_changes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apply({"wiki": moved()})
    before = world.footprint()
    write, calls = Running.write, []

    def full(self: Running, file: Any) -> None:
        calls.append(file)
        if len(calls) == 1:
            raise OSError(28, "No space left on device")
        write(self, file)

    monkeypatch.setattr(Running, "write", full)
    with pytest.raises(Refused, match="No space left"):
        world.apply({"new": moved(name="new.lan")})
    assert world.diff("wiki", moved()) is None
    assert world.footprint()[0] == before[0]


def test_what_cannot_be_put_back_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apply({"wiki": moved()})
    monkeypatch.setattr(Running, "comes_to_serve", lambda self, file, old: False)
    with pytest.raises(RollbackFailed, match="so did going back"):
        world.apply({"new": moved(name="new.lan")})


def test_a_run_killed_between_writing_and_telling_is_finished_by_the_next(world: World) -> None:
    world.apply({"wiki": moved()})

    class Killed(BaseException):
        pass

    def die(point: str) -> None:
        if point == "nginx.commit.renamed":
            raise Killed

    world.failpoint = die
    with pytest.raises(Killed):
        world.apply({"wiki": moved("/b")})
    world.failpoint = lambda point: None
    assert "is not the one nginx serves" in world.read().stale
    assert world.diff("wiki", moved("/b")) is None
    assert "\nLocation: /a\n" in world.curl("http://wiki.lan/")[1]
    world.apply({"wiki": moved("/b")})
    assert "\nLocation: /b\n" in world.curl("http://wiki.lan/")[1]


def test_every_failpoint_is_passed_in_order(world: World) -> None:
    passed: list[str] = []
    world.failpoint = passed.append
    world.apply({"wiki": moved()})
    assert passed == [f"nginx.commit.{point}" for point in ("before", "renamed", "told", "after")]
    passed.clear()
    world.apply({"wiki": moved()})
    assert passed == []


def test_left_over_files_are_cleared_and_others_kept(world: World) -> None:
    ours = world.conf.with_name(f".conduit-{world.conf.name}.1.tmp")
    theirs = world.conf.with_name(".conduit-theirs.conf.1.tmp")
    for path in (ours, theirs):
        path.write_text("half a file")
    assert world.provider.recover() == (f"removed {ours}, left by a killed run",)
    assert (ours.exists(), theirs.exists()) == (False, True)


def test_the_old_workers_answer_no_more_when_a_commit_returns(world: World) -> None:
    for number in range(10):
        world.apply({"wiki": moved(f"/{number}")})
        found = {world.curl("http://wiki.lan/")[1].partition("Location: ")[2].split("\n")[0] for _ in range(5)}
        assert found == {f"/{number}"}


def test_no_request_is_lost_over_reloads(world: World, upstream: Callable[..., Daemon]) -> None:
    address = upstream().address
    world.apply({"wiki": plain(upstream=address)})
    url, failed, asked, stop = f"http://{world.daemon.section['http'][0]}/", [], [0], threading.Event()

    def ask() -> None:
        while not stop.is_set():
            request = urllib.request.Request(url, headers={"Host": "wiki.lan"})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    answer.read()
            except OSError as error:
                failed.append(repr(error))
            asked[0] += 1

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(10):
        world.apply({"other": moved(f"/{number}", "other.lan")})
    stop.set()
    for thread in threads:
        thread.join()
    assert asked[0] > 30
    assert failed == []


@pytest.mark.parametrize("where", ["the private namespace", "alone"])
def test_the_check_sees_a_copy_and_leaves_no_trace(world: World, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    world.apply({"wiki": moved()})
    if where == "alone":
        monkeypatch.setattr(nginx_switch, "run_staged", lambda *staged: None)
    before = world.footprint()
    reading, provider = world.read(), world.provider
    document = provider.compose(reading, reading.owned() | {key_of("new"): world.rendered(moved(name="new.lan"))})
    provider.validate(document)
    broken = world.rendered(moved(name="bad.lan"))
    broken["http"].insert(1, "proxy_no_such_thing on;")
    with pytest.raises(Refused, match="proxy_no_such_thing") as refusal:
        provider.validate(provider.compose(reading, reading.owned() | {key_of("bad"): broken}))
    assert refusal.value.blamed == (key_of("bad"),)
    assert world.footprint() == before


def test_a_marker_that_belongs_to_another_daemon_is_no_proof(world: World, upstream: Callable[..., Daemon]) -> None:
    world.options["marker"] = upstream().address
    with pytest.raises(Refused, match="does not serve the new file"):
        world.apply({"wiki": moved()})


def test_an_unused_port_is_not_needed_twice(world: World) -> None:
    """A second listener that is free works at once."""
    world.options["http"] = [*world.daemon.section["http"], f"127.0.0.1:{free_port()}"]
    world.apply({"wiki": moved()})
    assert world.status("http://wiki.lan/") == 302
