"""P3: Caddy's admin API is a private socket before and after whatever conduit does, and doctor says when it is not."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attack_world import Attacked

from conduit.sandbox import caddy as private_caddy
from conduit.sandbox.machine import answers, free_port
from tests.faults import oracle


def listeners(pid: int) -> set[str]:
    """The TCP addresses a process listens at, as the kernel tells them."""
    inodes = {
        match[1]
        for path in Path(f"/proc/{pid}/fd").iterdir()
        if (match := re.fullmatch(r"socket:\[([0-9]+)\]", str(path.readlink())))
    }
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                found.add(str(int(words[1].rpartition(":")[2], 16)))
    return found


def private(attacked: Attacked) -> None:
    """The admin API is a socket of its owner alone, and Caddy listens at the ports of the site and nowhere else."""
    caddy = attacked.site.daemons["caddy"]
    admin = Path(caddy.section["admin"].removeprefix("unix/").partition("|")[0])
    assert stat.S_ISSOCK(admin.lstat().st_mode)
    assert stat.S_IMODE(admin.lstat().st_mode) & 0o077 == 0
    assert caddy.pid
    own = {caddy.section[scheme][0].rpartition(":")[2] for scheme in ("http", "https")}
    assert listeners(caddy.pid) <= own
    assert not answers("127.0.0.1:2019")


def test_p3_the_admin_api_stays_on_its_socket(attacked: Attacked) -> None:
    private(attacked)
    attacked.change()
    private(attacked)
    doctor = attacked.run("doctor")
    assert "ok   caddy" in doctor.stdout, oracle.told(doctor)


def test_p3_a_refused_configuration_does_not_move_it(attacked: Attacked) -> None:
    """Caddy takes its admin API to TCP when it refuses a configuration that does not name one."""
    taken = attacked.upstream
    settings = attacked.site.settings_file.read_text()
    listener = attacked.site.daemons["caddy"].section["http"][0]
    other = attacked.site.directory / "taken.yaml"
    other.write_text(settings.replace(f"- {listener}", f"- {taken}"))
    assert other.read_text() != settings
    before = attacked.look()
    ran = attacked.run("apply", "--yes", "--config", str(other))
    assert ran.code not in (0, 7), oracle.told(ran)
    private(attacked)
    assert oracle.visit(attacked.site, "good.home.arpa") == oracle.works("echo")
    assert attacked.look().config == before.config


@pytest.mark.parametrize("sort", ["0600", "0666", "tcp"])
def test_p3_doctor_tells_an_admin_api_that_is_open(
    attacked: Attacked, directory: Path, private: Callable[..., Any], sort: str
) -> None:
    socket = directory / "admin.sock"
    admin = f"127.0.0.1:{free_port()}" if sort == "tcp" else f"unix/{socket}|{sort}"
    daemon = private(_start, directory / "caddy", admin)
    settings = attacked.site.directory / "doctor.yaml"
    known = attacked.site.daemons["caddy"].section["admin"]
    settings.write_text(attacked.site.settings_file.read_text().replace(f"admin: {known}", f"admin: {admin}"))
    assert admin in settings.read_text()
    ran = attacked.run("doctor", "--config", str(settings))
    if sort == "0600":
        assert stat.S_IMODE(socket.stat().st_mode) == 0o600
        assert "ok   caddy" in ran.stdout, oracle.told(ran)
    else:
        assert ran.code == 1
        assert "BAD  caddy" in ran.stdout
        assert "|0600" in ran.stdout, oracle.told(ran)
    assert daemon.running


def _start(directory: Path, admin: str) -> Any:
    """Start a Caddy whose admin address may name the mode of its socket."""
    daemon = private_caddy.prepare(directory, admin=admin.partition("|")[0])
    config = json.loads((directory / "caddy.json").read_text())
    config["admin"]["listen"] = admin
    (directory / "caddy.json").write_text(json.dumps(config))
    daemon.start()
    return daemon
