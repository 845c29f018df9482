"""How a container is replaced: beside the old one or after it, and what happens when the new one fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from conduit.change import Action, Disturbance, Result
from conduit.providers.docker_container_lives import seconds_of
from conduit.sandbox.machine import free_port
from tests.docker.container_world import SLEEP, Containers

REASONS = {
    "name": ("container_name: exact", "the name exact cannot be held twice", "exact"),
    "port": (
        "networks: {front: {}}, ports: [{target: 80, published: 'PORT', host_ip: 127.0.0.1}]",
        "port PORT cannot be held twice",
        "web-b",
    ),
    "volume": ("mounts: [{type: volume, source: data, target: /data}]", "two containers would write to data", "web-b"),
    "bind": ("mounts: [{type: bind, source: DIR, target: /data}]", "two containers would write to DIR", "web-b"),
    "unnamed": ("mounts: [{type: volume, target: /data}]", "the volume at /data passes from one to the other", "web-b"),
    "host": ("network_mode: host, dangerous: true", "both would listen on the host itself", "web-b"),
}


@pytest.mark.parametrize("why", REASONS)
def test_what_cannot_be_had_twice_is_handed_over(containers: Containers, why: str, directory: Path) -> None:
    containers.hand("network", "create", "front")
    port, data = str(free_port()), str(directory / "data")
    fields, reason, name = (text.replace("PORT", port).replace("DIR", data) for text in REASONS[why])
    containers.declare(web=f"{SLEEP}, {fields}")
    containers.apply()
    (old,) = containers.names()
    if "/data" in fields:
        containers.hand("exec", old, "sh", "-c", "echo kept > /data/file")
    containers.declare(web=f"{SLEEP}, {fields}, labels: {{version: two}}")
    change = containers.change()
    assert (change.action, change.impact.disturbance) == (Action.REPLACE, Disturbance.RECREATE)
    assert str(change.impact) == f"web recreate ≈ 2 s, down meanwhile: {reason}"
    containers.apply()
    assert containers.names() == [name]
    assert containers.inspect(name)["Config"]["Labels"]["version"] == "two"
    if "/data" in fields:
        assert containers.hand("exec", name, "cat", "/data/file") == "kept"
    assert containers.settled()


def failing(how: str) -> str:
    return {
        "dies": "command: [sh, -c, 'echo cannot reach PASSWORD-1234; exit 3'], environment: {P: PASSWORD-1234}",
        "does not start": "command: [/no/such/program]",
        "is never healthy": f"{SLEEP}, healthcheck: {{test: [CMD, ls, /nothing], interval: 1s, retries: 1}}",
        "does not listen": f"{SLEEP}, serves: [8080], needs: [network/conduit]",
    }[how]


WORDS = {
    "dies": "exit code 3; it said: cannot reach (secret)",
    "does not start": "/no/such/program",
    "is never healthy": "its health check fails: ls: /nothing",
    "does not listen": "nothing listens on its port 8080 yet",
}


@pytest.mark.parametrize("how", WORDS)
@pytest.mark.parametrize("fields", ["", ", container_name: exact"], ids=["beside", "stop-first"])
def test_a_new_container_that_fails_leaves_the_old_one_running(containers: Containers, how: str, fields: str) -> None:
    containers.declare(containers.own_network, web=SLEEP + fields)
    containers.apply()
    before = containers.names()
    containers.declare(containers.own_network, web=failing(how) + fields)
    report = containers.apply(code=4)
    (outcome,) = report.outcomes
    assert outcome.result in (Result.FAILED, Result.REVERTED)
    assert WORDS[how] in outcome.reason
    assert "1234" not in outcome.reason
    assert (containers.names(), containers.running()) == (before, before)
    containers.declare(containers.own_network, web=SLEEP + fields)
    assert containers.settled()


def test_a_first_container_that_fails_is_not_left_behind(containers: Containers) -> None:
    containers.declare(web=failing("dies"))
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
