"""What failed is taken back whole, what did not fail goes through, and every reason is told."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import closing

import oracle
import pytest
from faults_world import World

from conduit.history import History
from conduit.model import Key
from conduit.sandbox import upstream as private_upstream
from tests.failing import at

BEFORE = """
services:
  one: {{upstream: "{a}"}}
  two: {{upstream: "{b}"}}
"""


def apply(world: World, text: str) -> tuple[int, str]:
    """Apply a manifest and return the exit code and what was told."""
    world.site.write("site.yaml", text.format(dead=world.dead, **world.upstreams))
    done = world.apply()
    return done.code, done.stdout + done.stderr


def sites(world: World, *names: str) -> list[oracle.Answer]:
    return [oracle.visit(world.site, f"{name}.home.arpa") for name in names]


A, B, GONE = oracle.works("a"), oracle.works("b"), oracle.GONE


def test_a_change_that_breaks_a_site_is_taken_back_with_all_its_parts(world: World) -> None:
    assert apply(world, BEFORE)[0] == 0
    files = oracle.files(world.site)
    code, told = apply(
        world, BEFORE.replace('"{a}"', '"{dead}", aliases: [too.home.arpa]') + '  new: {{upstream: "{a}"}}'
    )
    assert code == 4, told
    assert "expected before, proxy error after" in told
    assert sites(world, "one", "two", "too", "new") == [A, B, GONE, A]
    kept = [name for name in files if name.startswith(("certs/one.", "caddy-certs/one."))]
    after = oracle.files(world.site)
    assert {name for name in after if "certs/one." in name} == set(kept), "a certificate of the reverted change is left"
    assert [after[name] for name in kept] == [files[name] for name in kept]
    code, told = apply(world, BEFORE + '  new: {{upstream: "{a}"}}')
    assert (code, "No changes" in told) == (0, True), told


def test_what_was_committed_beside_a_failure_is_taken_back(world: World) -> None:
    """New names and sites are committed side by side; when the names fail, no site stays without its name."""
    world.site.write("site.yaml", BEFORE.format(**world.upstreams))
    done = world.apply(**at("dnsmasq.commit.renamed", "eio"))
    assert done.code == 4, oracle.told(done)
    assert sites(world, "one", "two") == [GONE, GONE]
    assert "home.arpa" not in oracle.caddy_config(world.site)[1]
    assert apply(world, BEFORE)[0] == 0
    assert sites(world, "one", "two") == [A, B]


def test_a_change_that_was_taken_back_is_told_by_the_next_plan(world: World) -> None:
    """By hand it may be tried again, but not without knowing."""
    assert apply(world, BEFORE)[0] == 0
    worse = BEFORE.replace('"{a}"', '"{dead}", aliases: [too.home.arpa]')
    for _ in range(2):
        assert apply(world, worse + '  new: {{upstream: "{a}"}}\n')[0] == 4
        told = " ".join(world.site.conduit("diff").stdout.split())
        assert "took these very changes of service/one back: expected before, proxy error after" in told
        assert "service/new" not in told
    records = world.site.directory / "state" / "records.db"
    kept = records.read_bytes()
    records.unlink()
    assert "took" not in world.site.conduit("diff").stdout
    records.write_bytes(kept)
    code, told = apply(world, BEFORE.replace('"{a}"', '"{b}", aliases: [too.home.arpa]'))
    assert (code, "took" in told) == (0, False), told
    assert History(records).reverted() == {}


def test_a_new_site_without_its_upstream_is_applied_and_proven_later(world: World) -> None:
    code, told = apply(world, BEFORE + '  new: {{upstream: "{dead}"}}')
    assert code == 0, told
    assert "unproven" in told.lower()
    host = "new.home.arpa"
    assert History(world.site.directory / "state" / "records.db").unproven() == {Key("service", "new")}
    assert oracle.visit(world.site, host) == oracle.Answer(("127.0.0.1",), 502, "")
    port = int(world.dead.rpartition(":")[2])
    late = private_upstream.start(world.site.directory / "late", "late", port=port)
    try:
        done = world.apply()
        assert done.code == 0, oracle.told(done)
        assert oracle.visit(world.site, host) == oracle.works("late")
        assert History(world.site.directory / "state" / "records.db").unproven() == set()
        oracle.check_idle(world.site, oracle.look(world.site, [host]))
    finally:
        late.stop()


def test_a_renewed_certificate_is_not_taken_for_a_lost_one(world: World) -> None:
    """Two generations lie side by side while the proof runs; the one just issued is the one to expect."""
    assert apply(world, BEFORE)[0] == 0
    code, told = apply(world, BEFORE.replace('"{a}"', '"{a}", aliases: [too.home.arpa]'))
    assert (code, "revert" in told.lower()) == (0, False), told
    assert sites(world, "one", "too") == [A, A]


@pytest.mark.parametrize("point", ["certs.issue.written", "apply.before_documents"])
def test_a_certificate_left_by_a_killed_run_is_completed_and_the_older_one_goes(world: World, point: str) -> None:
    """Killed between issuing and serving: both generations are there, the newer one perhaps without its copy."""
    assert apply(world, BEFORE)[0] == 0
    renewed = BEFORE.replace('"{a}"', '"{a}", aliases: [too.home.arpa]')
    world.site.write("site.yaml", renewed.format(**world.upstreams))
    assert world.apply(**at(point)).code == -signal.SIGKILL
    assert world.site.conduit("status").code == 0
    code, told = apply(world, renewed)
    assert (code, "revert" in told.lower()) == (0, False), told
    assert len([name for name in oracle.files(world.site) if name.startswith("certs/one.")]) == 1


def test_one_refused_block_is_left_out_and_the_others_go_through(world: World) -> None:
    """Caddy finds a certificate file gone after it was checked."""
    assert apply(world, BEFORE)[0] == 0
    more = BEFORE.replace('one: {{upstream: "{a}"}}', 'one: {{upstream: "{b}"}}')
    more += '  three: {{upstream: "{a}"}}\n  four: {{upstream: "{b}"}}\n'
    world.site.write("site.yaml", more.format(**world.upstreams))
    paused = world.apply_until("caddy.commit.before")
    [file] = world.site.directory.glob("caddy-certs/three.*.pem")
    file.unlink()
    done = paused.go()
    assert done.code == 4, oracle.told(done)
    assert "QUARANTINED" in done.stdout
    assert "route/three" in done.stdout
    assert sites(world, "one", "two", "three", "four") == [B, B, GONE, B]
    oracle.converge(world.site, {f"{name}.home.arpa": up for name, up in zip(("one", "three"), "ba", strict=True)})


def test_a_port_somebody_else_holds_undoes_a_first_apply(world: World) -> None:
    host, _, port = world.site.daemons["caddy"].section["https"][0].rpartition(":")
    with closing(socket.create_server((host, int(port)))):
        code, told = apply(world, BEFORE)
        assert code == 4, told
        assert f"{host}:{port} is held by " in told
        assert f"pid {os.getpid()}" in told
        assert world.site.dig("one.home.arpa") == []
    oracle.converge(world.site, {"one.home.arpa": "a", "two.home.arpa": "b"})


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ("caddy.commit.sent", 4),
        ("dnsmasq.commit.renamed", 0),  # it is restarted with the new files anyway
        pytest.param("caddy.commit.before", 4, marks=pytest.mark.soak),
        pytest.param("dnsmasq.commit.reloaded", 4, marks=pytest.mark.soak),
        pytest.param("apply.before_documents", 4, marks=pytest.mark.soak),
    ],
)
def test_a_daemon_that_dies_while_it_is_changed_is_made_whole_by_one_run(shared: World, point: str, code: int) -> None:
    shared.settle("before")
    shared.leave("after")
    paused = shared.apply_until(point)
    shared.site.daemons["dnsmasq" if point.startswith("dnsmasq") else "caddy"].kill()
    done = paused.go()
    assert (done.code, done.stderr) == (code, ""), oracle.told(done)
    oracle.check_free(shared.site)
    shared.mend()
    shared.converge("after")


def test_a_caddy_that_dies_before_the_proof_cannot_be_put_back_and_says_so(shared: World) -> None:
    shared.settle("before")
    shared.leave("after")
    paused = shared.apply_until("apply.verified")
    shared.site.daemons["caddy"].stop()
    done = paused.go()
    assert done.code == 7, oracle.told(done)
    assert "caddy" in done.stderr
    shared.mend()
    shared.converge("after")
