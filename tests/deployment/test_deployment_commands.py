"""The commands of deployments, on containers of a real Docker."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable

import pytest
from containers import IMAGE, run_member

from conduit.cli.kind_commands import kind_commands
from conduit.providers.docker_container_lives import seconds_of
from tests.conftest import ROOT, Ran, Site

FOREVER = ("sleep", "1000")


@pytest.fixture
def wiki(docker_site: Site, docker: Callable[..., Ran]) -> Site:
    """A site with two containers of the deployment wiki, and a stranger that says it is one."""
    run_member(docker_site, docker, "web", "sh", "-c", "echo hello from web; echo oops >&2; exec sleep 1000")
    run_member(docker_site, docker, "db", "sh", "-c", "echo hello from db; exec sleep 1000")
    docker("run", "-d", "--name", "stranger", "--label", "com.docker.compose.project=wiki", IMAGE, *FOREVER)
    return docker_site


def _environment(site: Site) -> dict[str, str]:
    """Return what conduit is run with; no size of a terminal but its own."""
    inherited = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return inherited | {"CONDUIT_CONFIG": str(site.settings_file), "PYTHONPATH": str(ROOT)}


def test_every_example_of_the_help_works(wiki: Site) -> None:
    fetching = "pull"  # needs a registry: tests/docker/test_image_pulls.py
    for command in (command for name, command in kind_commands().items() if name != fetching):
        lines = [line.strip() for line in command.help.splitlines() if line.strip().startswith("conduit ")]
        assert lines
        for line in lines:
            done = wiki.conduit(*line.split()[1:])
            assert done.code == 0, (line, done)


def containers(ran: Ran) -> list[str]:
    return [line.split()[0] for line in ran.stdout.splitlines()[1:]]


def shown_image(site: Site) -> str:
    (member,) = json.loads(site.conduit("ps", "wiki", "--json").stdout)["results"]
    return str(member["image"])


def test_ps_shows_an_image_by_its_name_and_without_one_by_its_first_digits(
    docker_site: Site, docker: Callable[..., Ran]
) -> None:
    """Regression: containers are made of ids, so that digits were shown of images that have a name."""
    docker("create", "--name", "other", IMAGE)
    image = docker("commit", "other", "notes:1.4").stdout.strip()
    run_member(docker_site, docker, "web", *FOREVER, image=image)
    assert shown_image(docker_site) == "notes:1.4"
    docker("tag", IMAGE, "notes:1.4")
    assert shown_image(docker_site) == image.removeprefix("sha256:")[:12]


def test_names_of_deployments_are_completed(docker_site: Site) -> None:
    compose = "compose: {services: {a: {image: a}}}"
    docker_site.write("a.yaml", f"deployments:\n  wiki: {{{compose}}}\n  web: {{{compose}}}\nservices: {{}}\n")
    typed = {"_CONDUIT_COMPLETE": "bash_complete", "COMP_WORDS": "conduit logs w", "COMP_CWORD": "2"}
    assert docker_site.conduit(env=typed).stdout.split() == ["plain,web", "plain,wiki"]


def test_ps_lists_our_containers_and_no_others(wiki: Site) -> None:
    shown = wiki.conduit("ps", "wiki")
    assert shown.code == 0
    assert containers(shown) == ["wiki-db-1", "wiki-web-1"]
    assert containers(wiki.conduit("ps", "deployment/wiki", "web")) == ["wiki-web-1"]
    found = json.loads(wiki.conduit("ps", "wiki", "--json").stdout)
    assert found["type"] == "ps"
    assert [(each["service"], each["state"]) for each in found["results"]] == [("db", "running"), ("web", "running")]


def test_what_is_not_there_or_not_clear_is_told(wiki: Site) -> None:
    for words, told in (
        (("ps", "wikis"), "no container of deployment/wikis is there"),
        (("ps", "wiki", "wb"), 'did you mean "web"'),
        (("exec", "wiki", "--", "true"), "name one of db, web"),
    ):
        refused = wiki.conduit(*words)
        assert (refused.code, told in refused.stderr) == (1, True), refused.stderr
    for words in (("exec", "wiki", "web"), ("exec", "wiki", "web", "--"), ("logs", "wiki", "-n", "x")):
        assert wiki.conduit(*words).code == 64, words
    assert "missing: the program and its arguments, after --" in wiki.conduit("exec", "wiki", "web").stderr


def test_logs_come_from_all_containers_in_order(wiki: Site, wait_for: Callable[..., None]) -> None:
    wait_for(lambda: len(wiki.conduit("logs", "wiki").stdout.splitlines()) == 3, "all lines")
    assert set(wiki.conduit("logs", "wiki").stdout.splitlines()) == {
        "wiki-web-1 | hello from web",
        "wiki-web-1 | oops",
        "wiki-db-1 | hello from db",
    }
    times = [json.loads(line)["time"] for line in wiki.conduit("logs", "wiki", "--json").stdout.splitlines()]
    assert times == sorted(times)
    assert len(wiki.conduit("logs", "wiki", "web", "--tail", "1").stdout.splitlines()) == 1
    assert wiki.conduit("logs", "wiki", "--since", "0s").stdout == ""


def test_logs_cannot_steer_the_terminal_or_flood_it(docker_site: Site, docker: Callable[..., Ran]) -> None:
    hostile = r"printf 'a\033[31mred\007\n'; head -c 100000 /dev/zero | tr '\000' x; echo; exec sleep 1000"
    run_member(docker_site, docker, "web", "sh", "-c", hostile)
    shown = docker_site.conduit("logs", "wiki")
    assert "\x1b" not in shown.stdout
    assert r"a\x1b[31mred\x07" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 16 * 1024 + len("wiki-web-1 | ")


def test_followed_logs_come_at_once_and_end_with_the_containers(
    docker_site: Site, docker: Callable[..., Ran], wait_for: Callable[..., None]
) -> None:
    name = run_member(docker_site, docker, "web", "sh", "-c", "echo first; read line; echo $line", options=("-i",))
    environment = _environment(docker_site)
    argv = [sys.executable, "-m", "conduit", "logs", "-f", "wiki"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environment) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "wiki-web-1 | first\n"
        docker("attach", name, input="second\n")
        assert following.stdout.readline() == "wiki-web-1 | second\n"
        assert following.wait(timeout=20) == 0


def test_restart_restarts_what_runs_and_journals_it(wiki: Site, docker: Callable[..., Ran]) -> None:
    docker("stop", "--time", "0", "wiki-db-1")

    def started(name: str) -> str:
        return docker("inspect", "--format", "{{.State.StartedAt}} {{.State.Running}}", name).stdout

    before = [started("wiki-web-1"), started("wiki-db-1"), started("stranger")]
    done = wiki.conduit("restart", "wiki")
    assert (done.code, containers(done)) == (0, ["wiki-web-1"])
    after = [started("wiki-web-1"), started("wiki-db-1"), started("stranger")]
    assert before[0] != after[0]
    assert before[1:] == after[1:]
    events = [json.loads(wiki.conduit("journal", "--json").stdout)["entries"]][0]
    assert [event["event"] for event in events] == ["run_started", "intent", "outcome", "run_finished"]
    assert events[0]["data"]["operation"] == "restart"
    assert events[2]["data"]["outcomes"][0]["key"] == "container/wiki-web-1"


def test_a_restart_takes_along_what_follows_once_it_is_up(docker_site: Site, docker: Callable[..., Ran]) -> None:
    """`depends_on: {db: {restart: true}}`, as docker compose does it."""
    at_once = ("--stop-timeout", "0")
    check = ("--health-cmd", "test -e /tmp/up", "--health-interval", "1s", "--health-retries", "20")
    serve = ("sh", "-c", "rm -f /tmp/up; sleep 2; touch /tmp/up; exec sleep 1000")

    def following(service: str, other: str) -> None:
        label = ("--label", f'io.conduit.wish={{"Follows": {{"wiki-{other}-1": "x"}}}}')
        run_member(docker_site, docker, service, *FOREVER, options=(*label, *at_once))

    run_member(docker_site, docker, "db", *serve, options=(*check, *at_once))
    run_member(docker_site, docker, "other", *FOREVER)
    following("app", "db")
    following("admin", "app")
    done = docker_site.conduit("restart", "wiki", "db")
    assert (done.code, containers(done)) == (0, ["wiki-db-1", "wiki-app-1", "wiki-admin-1"])
    up = docker("exec", "wiki-db-1", "stat", "-c", "%Y", "/tmp/up").stdout
    started = docker("inspect", "--format", "{{.State.StartedAt}}", "wiki-app-1").stdout
    assert int(up) < seconds_of(started.strip())

    docker("cp", "/dev/null", "wiki-db-1:/bin/busybox")
    failed = docker_site.conduit("restart", "wiki", "db")
    assert failed.code == 4
    assert "it follows wiki-db-1, which failed" in failed.stdout


def test_a_restart_that_fails_says_so(wiki: Site, docker: Callable[..., Ran]) -> None:
    docker("cp", "/dev/null", "wiki-web-1:/bin/busybox")
    failed = wiki.conduit("restart", "wiki", "web")
    assert failed.code == 4, failed
    assert "restarting wiki-web-1" in failed.stdout


def test_exec_passes_everything_through_and_is_on_record(wiki: Site) -> None:
    def execute(*words: str, **options: str) -> Ran:
        return wiki.conduit("exec", "wiki", "web", "--", *words, **options)

    for code in (0, 3, 137):
        assert execute("sh", "-c", f"echo out; echo err >&2; exit {code}") == Ran(code, "out\n", "err\n")
    assert execute("cat", input="a line\n").stdout == "a line\n"
    words = ("-n", "--", "$(id)", ";", "opensesame")
    assert execute("printf", "%s|", *words).stdout == "|".join(words) + "|"
    text = wiki.conduit("journal", "--json").stdout
    assert '"operation": "exec"' in text
    assert "opensesame" not in text


def test_exec_on_a_terminal_is_a_terminal(wiki: Site) -> None:
    script = "test -t 0 || exit 1; until stty size 2>&1 | grep 91; do :; done; exit 7"
    with Terminal(wiki, "exec", "wiki", "web", "--", "sh", "-c", script) as terminal:
        assert terminal.end() == 7
    assert "25 91" in terminal.screen


class Terminal:
    """A command of conduit on a terminal of its own, of 25 lines and 91 columns."""

    def __init__(self, site: Site, *words: str) -> None:
        self.screen = ""
        self.site, self.words = site, words

    def __enter__(self) -> Terminal:
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 91, 0, 0))
            os.execve(sys.executable, [sys.executable, "-m", "conduit", *self.words], _environment(self.site))
        return self

    def end(self) -> int:
        """Read the screen to its end and return the exit code."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and select.select([self.descriptor], [], [], 30)[0]:
            try:
                self.screen += os.read(self.descriptor, 4096).decode(errors="replace")
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)
