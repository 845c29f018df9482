"""The sandbox: real daemons that come up once, come back after a crash, and are the only ones taken down."""

from __future__ import annotations

import os
import shutil
import subprocess
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from conduit.sandbox.daemon import Daemon
from conduit.sandbox.machine import SandboxError, answers, find_program
from conduit.sandbox.site import Sandbox, Status

NOBODY = 65534


def pids(states: list[Status]) -> dict[str, int | None]:
    return {state.name: state.pid for state in states}


def test_up_starts_every_daemon_and_names_it_in_the_settings(site: Sandbox) -> None:
    settings = yaml.safe_load(site.settings_file.read_text())
    assert answers(settings["caddy"]["admin"])
    assert answers(settings["dnsmasq"]["address"])
    assert settings["upstreams"] == {"allow_loopback": True}
    assert (site.directory / settings["desired"]).resolve() == site.desired


def test_up_twice_starts_nothing_twice(site: Sandbox) -> None:
    before, settings = pids(site.status()), site.settings_file.stat().st_mtime_ns
    assert pids(Sandbox(site.directory).up()) == before
    assert site.settings_file.stat().st_mtime_ns == settings


@pytest.mark.parametrize("name", ["caddy", "dnsmasq"])
def test_up_starts_a_dead_daemon_again_where_it_was(site: Sandbox, name: str) -> None:
    before = pids(site.status())
    site.daemons[name].kill()
    assert not answers(site.daemons[name].address)
    after = pids(site.up())
    assert after.pop(name) != before.pop(name)
    assert after == before
    assert answers(site.daemons[name].address)


def test_down_stops_its_own_daemons_and_no_stranger(site: Sandbox, dnsmasq: Daemon) -> None:
    states = site.down()
    assert [state.pid for state in states] == [None] * len(states)
    assert dnsmasq.running
    assert answers(dnsmasq.address)


def test_a_stranger_with_a_recycled_pid_is_not_signalled(site: Sandbox) -> None:
    daemon = site.daemons["caddy"]
    daemon.stop()
    with subprocess.Popen(["sleep", "60"]) as stranger:
        daemon.pid_file.write_text(f"{stranger.pid}\n")
        assert not daemon.running
        site.down()
        assert stranger.poll() is None
        stranger.kill()


def test_a_daemon_that_conduit_restarted_is_still_found(site: Sandbox, wait_for: Callable[..., Any]) -> None:
    daemon = site.daemons["dnsmasq"]
    daemon.stop()
    subprocess.run(daemon.section["process"]["start"], check=True)
    wait_for(lambda: daemon.running, "dnsmasq runs")
    site.down()
    assert not answers(daemon.address)


def test_a_sandbox_that_moved_is_taken_over_by_its_new_place(directory: Path) -> None:
    old = Sandbox(directory / "old")
    old.up()
    before = pids(old.status())
    old.directory.rename(directory / "new")
    new = Sandbox(directory / "new")
    assert pids(new.status()) == before
    assert not set(pids(new.up()).values()) & set(before.values())
    assert all(str(new.directory) in " ".join(daemon.argv) for daemon in new.daemons.values())
    assert not any(
        Path(f"/proc/{pid}/cmdline").read_bytes() for pid in before.values() if Path(f"/proc/{pid}").exists()
    )
    new.down()


def test_remove_takes_everything_away(directory: Path) -> None:
    site = Sandbox(directory / "box")
    site.up()
    daemons = site.daemons.values()
    site.remove()
    assert not site.directory.exists()
    assert not any(answers(daemon.address) for daemon in daemons)


def test_a_directory_with_other_settings_is_neither_used_nor_removed(directory: Path) -> None:
    (directory / "conduit.yaml").write_text("site: mine\n")
    with pytest.raises(SandboxError, match="was not written by the sandbox"):
        Sandbox(directory).up()
    Sandbox(directory).remove()
    assert [path.name for path in directory.iterdir()] == ["conduit.yaml"]


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming an ordinary user needs root")
def test_an_ordinary_user_can_run_it(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(find_program("caddy"), directory)  # the checkout may lie where that user must not look
    monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
    home = directory / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    child = os.fork()
    if child == 0:
        code = 1
        try:  # the child must never go on as a second pytest, whatever fails
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            site = Sandbox(home / "box")
            alive = all(state.pid for state in site.up())
            site.remove()
            code = 0 if alive else 1
        except Exception:  # noqa: BLE001 - it is told in the output of the test
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
