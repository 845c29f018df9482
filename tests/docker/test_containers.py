"""Containers from their first line to their removal, and everything a person may do to them by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.change import Action, Origin, Result
from conduit.providers.docker_marks import KEY, MADE, MARK, SITE, WISH
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


@pytest.fixture
def web(containers: Containers) -> Containers:
    """One container that runs."""
    containers.declare(web=SLEEP)
    containers.apply()
    return containers


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


DAMAGE: dict[str, tuple[str, ...]] = {
    "stopped state": ("stop", "NAME"),
    "killed state": ("kill", "NAME"),
    "paused state": ("pause", "NAME"),
    "renamed name": ("rename", "NAME", "mine"),
    "larger memory": ("update", "--memory", "96m", "--memory-swap", "192m", "NAME"),
    "fewer pids": ("update", "--pids-limit", "7", "NAME"),
    "keen restart": ("update", "--restart", "always", "NAME"),
    "alone networks.front": ("network", "disconnect", "front", "NAME"),
    "social networks.extra": ("network", "connect", "extra", "NAME"),
}
"""What a person does to a container of that name, and the field in which it differs then."""


def test_what_is_done_by_hand_is_drift_and_put_right_in_place(containers: Containers) -> None:
    containers.hand("network", "create", "front")
    containers.hand("network", "create", "extra")
    fields = dict(damage.split() for damage in DAMAGE)
    containers.declare(**dict.fromkeys(fields, f"{SLEEP}, memory: 64m, networks: {{front: {{aliases: [www]}}}}"))
    containers.apply()
    before = {name: containers.inspect(name) for name in fields}
    for name, words in zip(fields, DAMAGE.values(), strict=True):
        containers.hand(*(word.replace("NAME", name) for word in words))
    changes = {change.key.name: change for change in containers.world.changes()}
    assert {name: [each.path for each in changes[name].diff.fields] for name in fields} == {
        name: [field] for name, field in fields.items()
    }
    assert {(change.action, change.origin) for change in changes.values()} == {(Action.UPDATE, Origin.DRIFT)}
    containers.apply()
    for name in fields:
        after = containers.inspect(name)
        assert (after["Id"], after["State"]["Status"]) == (before[name]["Id"], "running")
        assert set(after["NetworkSettings"]["Networks"]) == {"front"}
        assert after["HostConfig"]["Memory"] == 64 << 20
    assert containers.settled()


CHECKED = f"{SLEEP}, healthcheck: {{test: [CMD, test, '!', -e, /tmp/sick], interval: 1s, retries: 1}}"


@pytest.fixture
def checked(containers: Containers, wait_for: Callable[..., Any]) -> Containers:
    """A container with a health check, paused by hand until Docker calls it unhealthy for that."""
    containers.declare(web=CHECKED)
    containers.apply()
    containers.hand("pause", "web")
    wait_for(lambda: containers.inspect("web")["State"]["Health"]["Status"] == "unhealthy", "it is unhealthy")
    return containers


def test_a_paused_container_is_judged_by_a_check_of_after_its_pause(checked: Containers) -> None:
    """Docker calls a paused container unhealthy, and goes on to until its next check: it was given up at once."""
    checked.apply()
    state = checked.inspect("web")["State"]
    assert (state["Status"], state["Health"]["Status"]) == ("running", "healthy")
    assert checked.settled()


def test_drift_that_cannot_be_put_right_stays_as_it_was_found_and_stays_drift(checked: Containers) -> None:
    """It was told as reverted while the container ran on, or as a change of the manifests."""
    checked.hand("unpause", "web")
    checked.hand("exec", "web", "touch", "/tmp/sick")
    checked.hand("pause", "web")
    assert [outcome.result for outcome in checked.apply(code=4).outcomes] == [Result.REVERTED]
    assert checked.inspect("web")["State"]["Status"] == "paused"
    change = checked.change()
    assert ([field.path for field in change.diff.fields], change.origin) == (["state"], Origin.DRIFT)


def test_memory_changed_alone_by_hand_is_put_right_in_place(containers: Containers) -> None:
    """Docker keeps the limit with swap then, which is no longer twice that of memory."""
    containers.declare(web=f"{SLEEP}, memory: 64m")
    containers.apply()
    before = containers.inspect("web")
    containers.hand("update", "--memory", "40m", "web")
    change = containers.change()
    assert (change.action, change.origin) == (Action.UPDATE, Origin.DRIFT)
    assert {each.path for each in change.diff.fields} == {"memory", "memswap_limit"}
    containers.apply()
    after = containers.inspect("web")
    assert (after["Id"], after["State"]["Pid"]) == (before["Id"], before["State"]["Pid"])
    assert (after["HostConfig"]["Memory"], after["HostConfig"]["MemorySwap"]) == (64 << 20, 128 << 20)
    assert containers.settled()


def test_what_no_spec_says_is_drift_too(web: Containers) -> None:
    web.hand("update", "--cpu-shares", "512", "web")
    change = web.change()
    assert (change.action, change.origin) == (Action.REPLACE, Origin.DRIFT)
    assert "CpuShares" in change.diff.raw
    web.apply()
    assert web.inspect("web-b")["HostConfig"]["CpuShares"] == 0


def test_a_container_that_restarts_again_and_again_is_drift(
    containers: Containers, wait_for: Callable[..., Any]
) -> None:
    containers.declare(
        web="command: [sh, -c, 'test ! -e /tmp/broken && sleep 600'], restart: always, stop_signal: SIGKILL"
    )
    containers.apply()
    containers.hand("exec", "web", "touch", "/tmp/broken")
    containers.docker("kill", "web")
    wait_for(lambda: containers.inspect("web")["State"]["Status"] != "running", "the container is down")
    assert [each.path for each in containers.change().diff.fields] == ["state"]


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


def test_values_of_variables_are_told_apart_and_never_shown(containers: Containers) -> None:
    containers.declare(web=f"{SLEEP}, environment: {{PASSWORD: tr0ub4dor, MODE: fast}}")
    created = containers.site.conduit("apply", "--yes")
    assert created.code == 0, created.stdout
    containers.declare(web=f"{SLEEP}, environment: {{PASSWORD: correct-horse, MODE: fast}}")
    plan = containers.site.conduit("diff")
    assert "environment.PASSWORD" in plan.stdout
    assert "environment.MODE" not in plan.stdout
    told = created.stdout + plan.stdout + containers.site.conduit("diff", "--json").stdout
    assert containers.site.conduit("apply", "--yes").code == 0
    state = [path for path in containers.site.directory.rglob("*") if path.is_file() and "docker" not in path.parts]
    for secret in ("tr0ub4dor", "correct-horse"):
        assert secret not in told
        holding = {path.name for path in state if secret.encode() in path.read_bytes()}
        assert holding <= {"site.yaml", "manifests.json"}  # where it was written, and the copy that is parsed only once


def test_what_is_ignored_passes_on_to_the_successor(containers: Containers) -> None:
    ignore = "ignore: [{path: environment.MODE, reason: tried by hand}, {path: memory, reason: tried by hand}]"
    containers.declare(web=f"{SLEEP}, memory: 64m, environment: {{MODE: hand-made}}")
    containers.apply()
    containers.hand("update", "--memory", "96m", "--memory-swap", "192m", "web")
    declared = f"{SLEEP}, memory: 64m, environment: {{MODE: declared}}, {ignore}"
    containers.declare(web=declared)
    assert containers.settled()
    containers.declare(web=f"{declared}, labels: {{a: b}}")
    assert [each.path for each in containers.change().diff.fields] == ["labels.a"]
    containers.apply()
    made = containers.inspect("web-b")
    assert ("MODE=hand-made" in made["Config"]["Env"], made["HostConfig"]["Memory"]) == (True, 96 << 20)
    assert containers.settled()


def test_a_stored_secret_reaches_the_container(containers: Containers) -> None:
    assert containers.site.conduit("secret", "set", "db", input="tr0ub4dor").code == 0
    containers.declare(web=f"{SLEEP}, environment: {{URL: ['db://app:', {{secret: db}}, '@db']}}")
    containers.apply()
    assert "URL=db://app:tr0ub4dor@db" in containers.inspect("web")["Config"]["Env"]
    assert containers.settled()
    assert containers.site.conduit("secret", "set", "db", input="changed").code == 0
    assert [each.path for each in containers.change().diff.fields] == ["environment.URL"]


def test_files_are_there_as_asked_for_and_gone_when_unused(containers: Containers) -> None:
    secret = "{target: /run/secrets/key, content: tr0ub4dor, uid: '7', gid: '8', mode: '0400'}"
    containers.declare(web=f"{SLEEP}, files: [{secret}, {{target: /etc/app.conf, content: 'a=1'}}]")
    containers.apply()
    shown = containers.hand(
        "exec", "web", "sh", "-c", "stat -c '%a %u %g' /run/secrets/key /etc/app.conf; cat /etc/app.conf"
    )
    assert shown.splitlines() == ["400 7 8", "444 0 0", "a=1"]
    files = containers.files()
    assert len(files) == 2
    assert "tr0ub4dor" not in containers.hand("inspect", "web")
    assert containers.settled()

    changed = next(path for path in files if path.read_text() == "a=1")
    changed.write_text("a=2")
    assert [each.path for each in containers.change().diff.fields] == ["files.0.content"]
    containers.apply()
    assert containers.hand("exec", "web-b", "cat", "/etc/app.conf") == "a=1"
    assert containers.settled()

    containers.declare()
    containers.apply(allow_deletes=1)
    assert containers.files() == []


def test_copied_labels_do_not_make_a_container_ours(web: Containers, wait_for: Callable[..., Any]) -> None:
    labels = web.inspect("web")["Config"]["Labels"]
    options = [word for name in (KEY, MADE, MARK, SITE, WISH) for word in ("--label", f"{name}={labels[name]}")]
    copy = web.hand("run", "--detach", "--name", "copy", *options, "sandbox/busybox:1", "sleep", "600")
    assert web.settled()
    web.declare()
    web.apply(allow_deletes=1)
    assert web.names() == ["copy"]
    assert web.inspect("copy")["Id"] == copy


def test_a_name_that_a_foreign_container_has_is_left_to_it(containers: Containers) -> None:
    other = containers.hand("run", "--detach", "--name", "web", "sandbox/busybox:1", "sleep", "600")
    containers.declare(web=SLEEP)
    (told,) = containers.world.plan().warnings
    assert "container/web: what has this name already is not conduit's" in str(told)
    report = containers.apply(code=4)
    (reason,) = [outcome.reason for outcome in report.outcomes if outcome.key.name == "web"]
    assert "already in use" in reason
    assert (containers.names(), containers.inspect("web")["Id"]) == (["web"], other)


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
