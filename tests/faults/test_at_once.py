"""Two runs at once, and somebody else's hand between plan and apply: one wins, the other says so and writes nothing."""

from __future__ import annotations

import os
from pathlib import Path

import oracle
import pytest
from faults_world import AFTER, BEFORE, World

from conduit.sandbox.machine import free_port
from tests.conftest import Ran, Site, run_program

FOREIGN = '{"listen": ["127.0.0.1:%s"], "automatic_https": {"disable": true}}'


def put_foreign_server(site: Site) -> None:
    """Add a server of somebody else's to the Caddy of a site, by hand."""
    admin = site.daemons["caddy"].section["admin"].removeprefix("unix/")
    words = ("-sSf", "-X", "POST", "-H", "Host;", "-H", "Content-Type: application/json", "--unix-socket", admin)
    done = run_program("curl", *words, "-d", FOREIGN % free_port(), "http://x/config/apps/http/servers/theirs")
    assert done.code == 0, done


def test_the_second_of_two_applies_names_the_first_and_ends_with_5(shared: World) -> None:
    shared.settle("before")
    shared.leave("after")
    first = shared.apply_until("apply.before_documents")
    second = shared.apply()
    assert second.code == 5, oracle.told(second)
    assert f"pid {first.process.pid} on {os.uname().nodename}, for " in second.stderr
    assert first.go().code == 0
    shared.converge("after")


def test_a_diff_needs_no_lock(shared: World) -> None:
    """`diff` goes on while an apply runs, and takes nothing from it."""
    shared.settle("before")
    shared.leave("after")
    first = shared.apply_until("apply.before_documents")
    assert shared.site.conduit("diff").code == 0
    assert first.go().code == 0
    shared.converge("after")


def test_a_run_that_lost_its_lock_changes_nothing_more(shared: World) -> None:
    """Its lock file was deleted while it stood still, and another run has been here."""
    shared.settle("before")
    shared.leave("after")
    first = shared.apply_until("apply.before_documents")
    (shared.site.directory / "state" / "lock").unlink()
    assert shared.apply().code == 0
    between = shared.look()
    late = first.go()
    assert late.code == 5, oracle.told(late)
    now = shared.look()
    assert (now.config, now.dnsmasq, now.answers) == (between.config, between.dnsmasq, between.answers)
    shared.converge("after")


def test_an_edit_of_caddy_during_an_apply_is_not_overwritten(shared: World) -> None:
    shared.settle("before")
    shared.leave("after")
    paused = shared.apply_until("caddy.commit.before")
    put_foreign_server(shared.site)
    edited = oracle.caddy_config(shared.site)
    late = paused.go()
    assert late.code == 5, oracle.told(late)
    assert "changed Caddy since it was read" in late.stdout + late.stderr
    assert oracle.caddy_config(shared.site) == edited
    check_old_or_new(shared)
    assert '"theirs"' in shared.converge("after").config


def test_a_caddy_restarted_during_an_apply_is_planned_anew(shared: World) -> None:
    """It lost its configuration, so what was planned is no change of what it now has."""
    shared.settle("before")
    shared.leave("after")
    paused = shared.apply_until("caddy.commit.before")
    caddy = shared.site.daemons["caddy"]
    caddy.stop()
    caddy.start()
    late = paused.go()
    assert late.code == 5, oracle.told(late)
    assert "apps" not in oracle.caddy_config(shared.site)[1]
    shared.converge("after")


@pytest.mark.parametrize("point", ["apply.before_documents", pytest.param("apply.verified", marks=pytest.mark.soak)])
def test_a_dnsmasq_restarted_during_an_apply_changes_nothing(shared: World, point: str) -> None:
    shared.settle("before")
    shared.leave("after")
    paused = shared.apply_until(point)
    dnsmasq = shared.site.daemons["dnsmasq"]
    dnsmasq.stop()
    dnsmasq.start()
    late = paused.go()
    assert late.code == 0, oracle.told(late)
    shared.converge("after")


def test_an_edit_of_the_records_during_an_apply_is_not_overwritten(shared: World) -> None:
    shared.settle("before")
    shared.leave("after")
    paused = shared.apply_until("apply.before_documents")
    hosts = Path(shared.site.daemons["dnsmasq"].section["hosts_file"])
    hosts.write_text(hosts.read_text() + "10.9.8.7 theirs.home.arpa\n")
    edited = hosts.read_bytes()
    late = paused.go()
    assert late.code == 5, oracle.told(late)
    assert hosts.read_bytes() == edited
    check_old_or_new(shared)
    shared.converge("after")


def check_old_or_new(world: World) -> None:
    """Every name that stays declared works, and none is half there."""
    answers = world.look().answers
    for host in BEFORE.keys() & AFTER.keys():
        assert answers[host] in (oracle.works(BEFORE[host]), oracle.works(AFTER[host])), host


def test_a_saved_plan_dies_when_the_live_state_moves(shared: World) -> None:
    shared.settle("before")
    shared.leave("after")
    plan = str(shared.site.directory / "plan.json")
    assert shared.site.conduit("diff", "--out", plan).code == 0
    put_foreign_server(shared.site)
    before = shared.look()
    stale: Ran = shared.site.conduit("apply", plan)
    assert stale.code == 5, oracle.told(stale)
    assert "caddy has moved" in stale.stderr
    assert oracle.changed(before, shared.look()) == []
    shared.converge("after")


def test_a_saved_plan_dies_when_the_wish_moves(shared: World) -> None:
    shared.settle("before")
    shared.leave("after")
    plan = str(shared.site.directory / "plan.json")
    assert shared.site.conduit("diff", "--out", plan).code == 0
    shared.wish("broken")
    stale = shared.site.conduit("apply", plan)
    assert stale.code == 5, oracle.told(stale)
    assert "dns_record/five needs no change any more" in stale.stderr
    shared.converge("before")
