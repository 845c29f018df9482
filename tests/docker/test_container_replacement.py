"""How a container is replaced: beside the old one or after it, and what happens when the new one fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from conduit.change import Action, Result
from conduit.providers.docker_container_lives import seconds_of
from conduit.sandbox.image import NAME
from conduit.sandbox.machine import free_port
from tests.docker.container_world import SLEEP, Containers, website

PUBLISHED = "networks: {front: {}}, ports: [{target: 80, published: 'PORT', host_ip: 127.0.0.1}]"
REASONS = {
    "name": ("container_name: exact", "the name exact cannot be held twice"),
    "port": (PUBLISHED, "port PORT cannot be held twice"),
    "volume": ("mounts: [{type: volume, source: data, target: /data}]", "two containers would write to data"),
    "bind": ("mounts: [{type: bind, source: DIR, target: /data}]", "two containers would write to DIR"),
    "unnamed": ("mounts: [{type: volume, target: /data}]", "the volume at /data passes from one to the other"),
    "host": ("network_mode: host, dangerous: true", "both would listen on the host itself"),
}
"""What a container has that its successor cannot have beside it, and what the plan says then."""


def test_what_cannot_be_had_twice_is_handed_over(containers: Containers, directory: Path) -> None:
    containers.hand("network", "create", "front")
    port, data = str(free_port()), str(directory / "data")
    wish = {
        why: [text.replace("PORT", port).replace("DIR", data) for text in (f"{SLEEP}, {fields}", reason)]
        for why, (fields, reason) in REASONS.items()
    }
    with_data = [why for why, (fields, _) in wish.items() if "/data" in fields]
    containers.declare(**{why: fields for why, (fields, _) in wish.items()})
    containers.apply()
    for why in with_data:
        containers.hand("exec", why, "sh", "-c", f"echo {why} > /data/file")
    containers.declare(**{why: f"{fields}, labels: {{version: two}}" for why, (fields, _) in wish.items()})
    changes = {change.key.name: change for change in containers.world.changes()}
    assert {change.action for change in changes.values()} == {Action.REPLACE}
    for why, (_, reason) in wish.items():
        assert str(changes[why].impact) == f"{why} recreate ≈ 2 s, down meanwhile: {reason}"
    containers.apply()
    assert containers.running() == sorted(["exact", *(f"{why}-b" for why in wish if why != "name")])
    for why in with_data:
        assert containers.hand("exec", f"{why}-b", "cat", "/data/file") == why
    assert containers.settled()


FAILING = {
    "dies": "command: [sh, -c, 'echo cannot reach PASSWORD-1234; exit 3'], environment: {P: PASSWORD-1234}",
    "starts-not": "command: [/no/such/program]",
    "sick": f"{SLEEP}, healthcheck: {{test: [CMD, ls, /nothing], interval: 1s, retries: 1}}",
    "deaf": f"{SLEEP}, labels: {{version: two}}, serves: [8080], needs: [network/conduit]",
}
WORDS = {
    "dies": "exit code 3; it said: cannot reach (secret)",
    "starts-not": "/no/such/program",
    "sick": "its health check fails: ls: /nothing",
    "deaf": "nothing listens on its port 8080 yet",
}


@pytest.mark.parametrize("exact", [False, True], ids=["beside", "stop-first"])
def test_new_containers_that_fail_leave_the_old_ones_running(containers: Containers, exact: bool) -> None:
    named = {name: f", container_name: exact-{name}" if exact else "" for name in FAILING}
    old = {name: SLEEP + named[name] for name in FAILING}
    containers.declare(containers.own_network, **old)
    containers.apply()
    before = containers.running()
    ids = {name: containers.inspect(name)["Id"] for name in before}
    containers.declare(containers.own_network, **{name: FAILING[name] + named[name] for name in FAILING})
    outcomes = {outcome.key.name: outcome for outcome in containers.apply(code=4).outcomes}
    for name, words in WORDS.items():
        assert outcomes[name].result in (Result.FAILED, Result.REVERTED)
        assert words in outcomes[name].reason
        assert "1234" not in outcomes[name].reason
    assert containers.names() == containers.running() == before
    assert {name: containers.inspect(name)["Id"] for name in before} == ids
    containers.declare(containers.own_network, **old)
    assert containers.settled()


def test_a_first_container_that_fails_is_not_left_behind(containers: Containers) -> None:
    containers.declare(web=FAILING["dies"])
    containers.apply(code=4)
    assert containers.names() == []


def test_a_port_that_a_stranger_holds_fails_the_start_alone(containers: Containers) -> None:
    port = free_port()
    containers.hand("network", "create", "front")
    published = ("--network", "front", "--publish", f"127.0.0.1:{port}:80")
    containers.hand("run", "--detach", "--name", "holder", *published, "sandbox/busybox:1", "sleep", "99")
    ports = f"networks: {{front: {{}}}}, ports: [{{target: 80, published: '{port}', host_ip: 127.0.0.1}}]"
    containers.declare(web=f"{SLEEP}, {ports}", other=SLEEP)
    report = containers.apply(code=4)
    reasons = {str(outcome.key): outcome.reason for outcome in report.outcomes}
    assert "port is already allocated" in reasons["container/web"]
    assert containers.running() == ["holder", "other"]


def test_a_stop_takes_the_time_it_was_given_and_no_more(containers: Containers) -> None:
    script = "trap 'sleep 1; echo saved > /data/state; exit 0' TERM; while true; do sleep 0.1; done"
    fields = f'command: [sh, -c, "{script}"], mounts: [{{type: volume, source: data, target: /data}}]'
    containers.declare(web=f"{fields}, stop_grace_period: 20s")
    containers.apply()
    containers.declare(web=f"{fields}, stop_grace_period: 20s, labels: {{a: b}}")
    containers.apply()
    assert containers.hand("exec", "web-b", "cat", "/data/state") == "saved"


def test_a_job_runs_once_to_its_end_and_again_when_it_changes(containers: Containers) -> None:
    mounts = "mounts: [{type: volume, source: data, target: /data}]"
    job = f"command: [sh, -c, 'echo ran >> /data/log'], state: finished, {mounts}"
    look = ("run", "--rm", "--volume", "data:/data", "sandbox/busybox:1", "cat", "/data/log")
    containers.declare(job=job)
    containers.apply()
    assert containers.hand(*look).split() == ["ran"]
    assert containers.settled()
    containers.apply()
    assert containers.hand(*look).split() == ["ran"]
    containers.declare(job=f"{job}, labels: {{version: two}}")
    containers.apply()
    assert containers.hand(*look).split() == ["ran", "ran"]
    assert containers.settled()


def test_a_job_runs_again_when_it_was_stopped_and_is_started(containers: Containers) -> None:
    """As docker compose does; what waits for the job is started after it, and an apply in between runs nothing."""
    mounts = "mounts: [{type: volume, source: data, target: /data}]"
    waits = f"{SLEEP}, {mounts}, needs: [container/job], depends_on: {{job: service_completed_successfully}}, "
    look = ("run", "--rm", "--volume", "data:/data", "sandbox/busybox:1", "cat", "/data/log")

    def declare(job: str, web: str) -> None:
        command = f"command: [sh, -c, 'echo ran >> /data/log'], {mounts}"
        containers.declare(job=f"{command}, state: {job}", web=f"{waits} state: {web}")

    declare("finished", "running")
    containers.apply()
    declare("stopped", "stopped")
    impacts = {change.key.name: str(change.impact) for change in containers.world.changes()}
    assert impacts["job"] == "no interruption, made anew to run again when it is started"
    containers.apply()
    assert containers.running() == []
    containers.apply()
    assert containers.hand(*look).split() == ["ran"]
    declare("finished", "running")
    containers.apply()
    assert containers.hand(*look).split() == ["ran", "ran"]
    ended, started = (containers.inspect(name)["State"] for name in ("job", "web"))
    assert seconds_of(ended["FinishedAt"]) <= seconds_of(started["StartedAt"])
    assert containers.settled()


def test_a_job_that_fails_stops_what_waits_for_it(containers: Containers) -> None:
    waits = f"{SLEEP}, needs: [container/job], depends_on: {{job: service_completed_successfully}}"
    containers.declare(job="command: [sh, -c, 'echo no database; exit 2'], state: finished", web=waits, other=SLEEP)
    report = containers.apply(code=4)
    results = {outcome.key.name: (outcome.result, outcome.reason) for outcome in report.outcomes}
    assert results["web"] == (Result.SKIPPED, "it needs container/job, which failed")
    assert "exit code 2; it said: no database" in results["job"][1]
    assert containers.names() == ["other"]
    containers.declare(job="command: ['true'], state: finished", web=waits, other=SLEEP)
    containers.apply()
    assert containers.running() == ["other", "web"]
    assert containers.settled()


def test_what_depends_on_a_healthy_container_starts_after_it_is(containers: Containers) -> None:
    check = "healthcheck: {test: [CMD, test, -e, /tmp/ready], interval: 1s, retries: 20}"
    containers.declare(
        db=f"command: [sh, -c, 'sleep 1.5; touch /tmp/ready; sleep 600'], {check}, stop_signal: SIGKILL",
        web=f"{SLEEP}, needs: [container/db], depends_on: {{db: service_healthy}}",
    )
    containers.apply()
    checks = containers.inspect("db")["State"]["Health"]["Log"]
    passed = next(check["End"] for check in checks if check["ExitCode"] == 0)
    assert seconds_of(containers.inspect("web")["State"]["StartedAt"]) > seconds_of(passed)


def test_containers_that_share_a_network_are_replaced_together(containers: Containers) -> None:
    side = "{image: busybox, command: [sleep, '600'], stop_signal: SIGKILL, network_of: web}"
    containers.declare(f"  side: {side}\n", web=SLEEP)
    containers.apply()
    assert containers.inspect("side")["HostConfig"]["NetworkMode"] == f"container:{containers.inspect('web')['Id']}"
    containers.declare(f"  side: {side}\n", web=f"{SLEEP}, labels: {{a: b}}")
    assert [str(change.key) for change in containers.world.changes()] == ["container/side", "container/web"]
    containers.apply()
    assert containers.names() == ["side-b", "web-b"]
    assert containers.settled()


def test_what_follows_another_is_made_anew_after_it(containers: Containers) -> None:
    """`depends_on: {db: {restart: true}}`: it had no effect but a warning."""
    follows = f"{SLEEP}, follows: [{{container: db}}]"
    containers.declare(db=SLEEP, web=follows, other=f"{SLEEP}, needs: [container/db]")
    containers.apply()
    assert containers.settled()
    containers.declare(db=f"{SLEEP}, labels: {{a: b}}", web=follows, other=f"{SLEEP}, needs: [container/db]")
    assert [str(change.key) for change in containers.world.changes()] == ["container/db", "container/web"]
    containers.apply()
    assert containers.names() == ["db-b", "other", "web-b"]
    started = [seconds_of(containers.inspect(name)["State"]["StartedAt"]) for name in ("db-b", "web-b")]
    assert started == sorted(started)
    assert containers.settled()
    containers.hand("rm", "--force", "db-b")
    containers.apply()
    assert containers.names() == ["db", "other", "web"]
    assert containers.settled()


def test_a_container_answers_to_its_name_whichever_it_has(containers: Containers) -> None:
    """The second of its two names has -b at its end, and whoever asked for it by its own found nobody."""
    joined = "networks: {front: {}}"
    containers.hand("network", "create", "front")
    fetch = ("wget", "-q", "-O", "-", "http://web:8080/")
    for text in ("one", "two", "three"):  # its own name, the other, and its own again
        site = f"{website(text)}, {joined}"
        containers.declare(containers.own_network, web=site, other=f"{SLEEP}, {joined}")
        containers.apply()
        assert containers.hand("exec", "other", *fetch) == text
        assert containers.hand("run", "--rm", "--network", "conduit", NAME, *fetch) == text
    assert containers.names() == ["other", "web"]
