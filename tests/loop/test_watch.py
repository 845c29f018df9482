"""`conduit watch` against real daemons: what is saved is live, and what happens meanwhile is borne."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.sandbox.machine import free_port
from tests.conftest import Ran, Site
from tests.failing import at
from tests.loop.conftest import Watch

A, B = "10.0.0.1", "10.0.0.2"


@pytest.fixture
def web(site: Site, upstream: Any) -> Callable[[], bool]:
    """Declare a site beside the records; returns whether the proxy serves it."""
    site.write("web.yaml", f'services:\n  web: {{upstream: "{upstream().address}"}}\n')
    return lambda: site.page("https://web.home.arpa/")[0] == 200


def test_a_saved_file_is_live_and_the_service_manager_hears_of_it(
    site: Site, kept: Callable[..., Watch], records: Callable[..., Path], wait_for: Callable[..., Any]
) -> None:
    loop = kept(one=A)
    records(one=B, two=A)
    wait_for(lambda: site.dig("one.home.arpa") == [B], "a saved file is live")
    assert site.dig("two.home.arpa") == [A]
    wait_for(lambda: loop.heard("STATUS=2 resources"), "the status tells what is kept")
    wait_for(lambda: loop.heard("WATCHDOG=1"), "the watchdog is fed")
    moved = site.desired.with_name("moved")
    site.desired.rename(moved)
    site.desired.mkdir()
    site.write("records.yaml", (moved / "records.yaml").read_text().replace(B, A))
    wait_for(lambda: site.dig("one.home.arpa") == [A], "a replaced directory is watched too")
    records(one=B, two=A)
    wait_for(lambda: site.dig("one.home.arpa") == [B], "and goes on being watched")
    assert loop.ended() == 143
    assert loop.heard("STOPPING=1")
    assert {"started", "plan", "applied", "stopped"} <= {line["event"] for line in loop.lines()}


def test_what_the_host_changes_is_put_back_within_one_interval(
    site: Site, kept: Callable[..., Watch], wait_for: Callable[..., Any]
) -> None:
    loop = kept({"interval": 1}, one=A)
    hosts = Path(site.daemons["dnsmasq"].section["hosts_file"])
    hosts.write_text(hosts.read_text().replace(A, "10.9.9.9"))
    site.daemons["dnsmasq"].stop()
    site.daemons["dnsmasq"].start()
    wait_for(
        lambda: [line for line in loop.lines("drift") if line["resource"] == "dns_record/one"], "the drift is told"
    )
    wait_for(lambda: site.dig("one.home.arpa") == [A], "the drift is put back")
    (told,) = [line for line in loop.lines("drift") if line["resource"] == "dns_record/one"]
    assert told["source"].endswith("records.yaml:2:3")


def test_a_suspended_loop_changes_nothing_and_every_command_says_so(
    site: Site,
    kept: Callable[..., Watch],
    records: Callable[..., Path],
    wait_for: Callable[..., Any],
    cli: Callable[..., Ran],
) -> None:
    loop = kept(one=A)
    assert cli("suspend", "--reason", "moving \x1b[31mthe rack", "--until", "2999-01-01").code == 0
    records(one=B)
    wait_for(lambda: loop.heard("STATUS=suspended since"), "the loop knows")
    for command in ("diff", "runs"):
        told = cli(command).stderr
        assert "suspended since" in told, command
        assert "moving" in told
        assert "\x1b[31m" not in told
    assert site.dig("one.home.arpa") == [A]
    assert cli("resume").code == 0
    wait_for(lambda: site.dig("one.home.arpa") == [B], "resumed, the loop catches up")
    assert "suspended" not in cli("diff").stderr
    assert cli("suspend", "--until", "soon").code == 64


def test_observed_kinds_are_told_and_left_alone(
    site: Site,
    watching: Callable[..., Watch],
    records: Callable[..., Path],
    wait_for: Callable[..., Any],
    web: Callable[[], bool],
) -> None:
    records(one=A)
    loop = watching({"kinds": {"dns_record": "observe", "service": "apply"}})
    wait_for(web, "the proxy serves")
    assert site.dig("one.home.arpa") == []
    assert loop.heard("STATUS=2 resources, 2 changes held back")
    held = [line["changes"] for line in loop.lines("held")]
    assert held[0].keys() == {"dns_record/one", "dns_record/web"}
    assert set(held[0].values()) == {"only observed, by its mode in conduit.yaml"}


def test_daemons_come_and_go(
    site: Site,
    watching: Callable[..., Watch],
    records: Callable[..., Path],
    wait_for: Callable[..., Any],
    web: Callable[[], bool],
) -> None:
    records(one=A)
    loop = watching()
    wait_for(web, "applied")
    site.daemons["caddy"].stop()
    records(one=B)
    wait_for(lambda: site.dig("one.home.arpa") == [B], "the other daemon's change is applied")
    wait_for(lambda: loop.heard("STATUS=2 resources, unknown: caddy"), "the silent daemon is unknown")
    site.daemons["caddy"].start()
    wait_for(web, "back, it is served again")


def test_c3_people_and_the_loop_take_turns(
    site: Site,
    kept: Callable[..., Watch],
    records: Callable[..., Path],
    wait_for: Callable[..., Any],
    cli: Callable[..., Ran],
) -> None:
    kept({"interval": 1}, one=A)
    for number in range(2, 5):
        records(one=f"10.0.0.{number}")
        assert cli("apply", "--yes").code in (0, 5)
        wait_for(lambda number=number: site.dig("one.home.arpa") == [f"10.0.0.{number}"], "one of the two applies it")
    assert cli("journal", "--verify").code == 0


@pytest.mark.parametrize("point", ["dnsmasq.commit.renamed", "apply.outcome"])
def test_a_killed_loop_is_finished_by_the_next_one(
    site: Site,
    kept: Callable[..., Watch],
    watching: Callable[..., Watch],
    records: Callable[..., Path],
    wait_for: Callable[..., Any],
    point: str,
) -> None:
    first = kept(one=A)
    assert first.ended() == 143
    records(one=B)
    killed = watching(**at(point))
    assert killed.process is not None
    assert killed.process.wait(20) == -signal.SIGKILL
    watching()
    wait_for(lambda: site.dig("one.home.arpa") == [B], "the next loop finishes it")


def test_a_change_that_was_taken_back_is_left_alone_until_it_is_another_one(
    site: Site, watching: Callable[..., Watch], wait_for: Callable[..., Any], upstream: Any
) -> None:
    def declare(address: str) -> None:
        site.write("web.yaml", f'services:\n  web: {{upstream: "{address}", tls: off}}\n')

    def answers(name: str) -> bool:
        return f'"name": "{name}"' in site.curl("http://web.home.arpa/").stdout

    first, second = upstream("first").address, upstream("second").address
    declare(first)
    loop = watching()
    wait_for(lambda: answers("first"), "applied")
    declare(f"127.0.0.1:{free_port()}")
    wait_for(lambda: "reverted" in {line["result"] for line in loop.lines("outcome")}, "it is taken back")
    wait_for(lambda: loop.heard("STATUS=1 resource, failing: service/web"), "and the status says so")
    assert loop.process is not None

    def held() -> bool:
        loop.process.send_signal(signal.SIGHUP)
        return loop.heard("STATUS=1 resource, 1 change held back")

    wait_for(held, "passes meanwhile leave it alone")
    wait_for(lambda: answers("first"), "what was there before answers, but for moments while it is tried again")
    declare(second)
    wait_for(lambda: answers("second"), "another change is applied at once")


def test_sighup_starts_a_pass(site: Site, kept: Callable[..., Watch], wait_for: Callable[..., Any]) -> None:
    loop = kept(one=A)
    hosts = Path(site.daemons["dnsmasq"].section["hosts_file"])
    hosts.write_text(hosts.read_text().replace(A, "10.0.0.9"))
    assert loop.process is not None
    loop.process.send_signal(signal.SIGHUP)
    wait_for(lambda: A in hosts.read_text(), "the pass puts it back")


def test_a_wrong_setting_is_told_before_anything_starts(watching: Callable[..., Watch]) -> None:
    loop = watching({"kinds": {"dns_recrod": "observe"}})
    assert loop.process is not None
    assert loop.process.wait(10) == 1
    assert "CND-2201" in loop.log.read_text()
