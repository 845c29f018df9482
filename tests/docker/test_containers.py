"""Containers from their first line to their removal, and everything a person may do to them by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from conduit.change import Action, Origin
from tests.conftest import missing
from tests.docker.container_world import SLEEP, Containers

FULL = """command: [sleep, '600'], environment: {GREETING: hello world}, working_dir: /tmp, user: '0:0',
    hostname: box, labels: {team: web, mood: ''}, restart: on-failure:3, stop_grace_period: 1s, stop_signal: SIGKILL,
    shm_size: 32m, ulimits: {nofile: {soft: 100, hard: 200}}, sysctls: {net.ipv4.ip_unprivileged_port_start: '0'},
    healthcheck: {test: [CMD, 'true'], interval: 1s, retries: 2}, expose: [81/tcp], dns: [1.1.1.1], group_add: ['12'],
    dns_opt: ['ndots:1'], extra_hosts: {db: [10.0.0.1]}, tmpfs: {/scratch: size=1m}, read_only: true,
    devices: [{source: /dev/null, target: /dev/nothing, permissions: r}], cap_drop: [CHOWN], ipc: shareable,
    security_opt: ['no-new-privileges:true'], logging: {driver: json-file, options: {max-size: 1m}}, cpus: 0.5,
    memory: 64m, memory_reservation: 32m, pids: 50, project: wiki, service: web, privileged: false,
    dangerous: true, dns_search: [home.arpa], cap_add: [NET_ADMIN], init: true,
    mounts: [{type: volume, source: data, target: /data}, {type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 0o700}},
      {type: volume, source: more, target: /more, read_only: true, volume: {nocopy: true}},
      {type: volume, target: /any},
      {type: bind, source: /etc/hostname, target: /host/name, read_only: true, bind: {create_host_path: false}},
      {type: bind, source: HERE/made, target: /made, bind: {propagation: rprivate}}]"""


def test_everything_asked_for_is_had_and_read_back(containers: Containers) -> None:
    containers.declare(web=FULL.replace("HERE", str(containers.site.directory)).replace("\n", " "))
    containers.apply()
    made = containers.inspect("web")
    config, host = made["Config"], made["HostConfig"]
    assert "GREETING=hello world" in config["Env"]
    assert (config["Hostname"], config["StopTimeout"], config["Labels"]["team"]) == ("box", 1, "web")
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (64 << 20, 500_000_000, 50)
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert {mount["Destination"] for mount in made["Mounts"]} == {"/data", "/t", "/more", "/any", "/host/name", "/made"}
    assert made["State"]["Health"]["Status"] == "healthy"
    assert containers.settled()
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 100, "Hard": 200}]
    shown = containers.hand("exec", "web", "sh", "-c", "cat /host/name; grep 10.0.0.1 /etc/hosts; pwd")
    assert shown.splitlines()[1:] == ["10.0.0.1\tdb", "/tmp"]
    limits = containers.hand("exec", "web", "grep", "Max open files", "/proc/1/limits")
    assert limits.split()[3:5] == ["100", "200"]  # of what was started: runc may raise the soft one of what it execs
    assert "docker-init" in containers.hand("exec", "web", "cat", "/proc/1/cmdline")


def test_a_container_lives_and_is_removed(containers: Containers) -> None:
    neighbour = containers.hand("run", "--detach", "--name", "neighbour", "sandbox/busybox:1", "sleep", "600")
    containers.declare(web=SLEEP)
    containers.apply()
    assert containers.running() == ["neighbour", "web"]
    assert containers.settled()

    containers.declare(web=f"{SLEEP}, labels: {{team: web}}")
    change = containers.change()
    assert (change.action, change.origin) == (Action.REPLACE, Origin.PENDING)
    assert [(field.path, field.new) for field in change.diff.fields] == [("labels.team", "web")]
    containers.apply()
    assert containers.running() == ["neighbour", "web-b"]

    containers.hand("rm", "--force", "web-b")
    change = containers.change()
    assert (change.action, change.origin) == (Action.CREATE, Origin.DRIFT)
    containers.apply()
    assert containers.settled()

    containers.declare()
    containers.apply(allow_deletes=1)
    assert containers.names() == ["neighbour"]
    assert containers.inspect("neighbour")["Id"] == neighbour


def limits(web: Containers) -> dict[str, Any]:
    host = web.inspect("web")["HostConfig"]
    return {"memory": host["Memory"], "cpus": host["NanoCpus"], "pids": host["PidsLimit"]}


def test_limits_change_while_it_runs(containers: Containers) -> None:
    containers.declare(web=f"{SLEEP}, memory: 64m, cpus: 0.5")
    containers.apply()
    before = containers.inspect("web")
    containers.declare(web=f"{SLEEP}, memory: 128m, cpus: 1.0, pids: 20, restart: always")
    assert containers.change().action is Action.UPDATE
    containers.apply()
    after = containers.inspect("web")
    assert after["State"]["Pid"] == before["State"]["Pid"]
    assert limits(containers) == {"memory": 128 << 20, "cpus": 1_000_000_000, "pids": 20}
    assert after["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert containers.settled()


def test_a_stopped_container_is_wished_for_and_started_again(web: Containers) -> None:
    before = web.inspect("web")["Id"]
    web.declare(web=f"{SLEEP}, state: stopped")
    assert web.change().action is Action.UPDATE
    web.apply()
    assert (web.running(), web.inspect("web")["Id"]) == ([], before)
    assert web.settled()
    web.declare(web=SLEEP)
    web.apply()
    assert (web.running(), web.inspect("web")["Id"]) == (["web"], before)


def test_a_container_that_ran_to_its_end_is_stopped_and_wished_for_again(containers: Containers) -> None:
    """What one was made to do once is noted down when it is made: a stopped one was started, and never counted."""
    once = "command: [sh, -c, 'exit 0'], state: "
    for state in ("stopped", "finished", "stopped", "finished"):
        containers.declare(web=once + state)
        containers.apply()
        assert containers.settled()
        (name,) = containers.names()
        started = containers.inspect(name)["State"]["StartedAt"].startswith("2")
        assert started is (state == "finished")


def test_other_tools_see_the_application(containers: Containers) -> None:
    containers.declare(web=f"{SLEEP}, project: wiki, service: web")
    containers.apply()
    words = (
        "ps",
        "--filter",
        "label=com.docker.compose.project=wiki",
        "--filter",
        "label=com.docker.compose.oneoff=False",
    )
    assert containers.hand(*words, "--format", "{{.Names}}") == "web"


def test_docker_compose_lists_the_application(containers: Containers) -> None:
    compose = Path(sys.executable).with_name("docker-compose")
    if not compose.exists():
        missing(f"{compose} is not installed")
    containers.declare(web=f"{SLEEP}, project: wiki, service: web")
    containers.apply()
    socket = containers.site.settings["docker"]["socket"]
    environment = {"PATH": "/usr/bin:/bin", "DOCKER_HOST": f"unix://{socket}"}

    def asked(*words: str) -> tuple[str, str]:
        shown = subprocess.run([compose, *words], env=environment, capture_output=True, text=True, timeout=30)
        return shown.stdout.strip(), shown.stderr

    assert asked("--project-name", "wiki", "ps", "--format", "{{.Service}} {{.Name}}") == ("web web", "")
    assert asked("ls", "--quiet") == ("wiki", "")


HOSTILE = ["\x1b[31mred", "a\nb: {c}", "%s${x}", "'; rm -rf /", '"}],"Privileged":true', "$(id)", "\u202eltr"]


def test_hostile_values_stay_values(containers: Containers) -> None:
    fields = (
        "command: [sh, -c, 'sleep 600', {v}], stop_signal: SIGKILL, labels: {{note: {v}}}, environment: {{NOTE: {v}}}"
    )
    texts = {f"web{number}": text for number, text in enumerate(HOSTILE)}
    containers.declare(**{name: fields.format(v=json.dumps(text)) for name, text in texts.items()})
    containers.apply()
    for name, text in texts.items():
        made = containers.inspect(name)
        assert (made["Config"]["Labels"]["note"], made["HostConfig"]["Privileged"]) == (text, False)
        assert made["Config"]["Cmd"] == ["sh", "-c", "sleep 600", text]
        assert f"NOTE={text}" in made["Config"]["Env"]
    assert containers.settled()
