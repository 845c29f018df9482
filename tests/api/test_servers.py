"""Watched machines: this one, another one over a real sshd, and what tools print on machines we do not have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sshd
from api_world import make_served
from holding import Holding

from conduit.providers.machine import Container, Gpu, read_containers, read_gpus, read_usage
from conduit.sandbox.machine import wait_for
from tests.conftest import missing

RECORDED = """NVIDIA GeForce RTX 3090, 61, 87, 20312, 24576, 311.52
NVIDIA A2, 45, 0, 4, 15356, [N/A]
"""
"""nvidia-smi 550.90 on a machine with two cards."""
STATS = (
    '{"BlockIO":"0B / 0B","CPUPerc":"2.34%","Container":"a1","ID":"a1","MemPerc":"3.1%","MemUsage":"512MiB / 16GiB",'
    '"Name":"wiki-web-1","NetIO":"1.2MB / 800kB","PIDs":"24"}\nnot json\n'
)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """A served site, and an sshd it may log in to."""
    if not sshd.PROGRAM.exists():
        missing("sshd is not installed")
    other = sshd.start(tmp_path_factory.mktemp("sshd") / "sshd")
    try:
        with make_served(health_interval=3600) as site:  # each is looked after once, and not again meanwhile
            stored = site.conduit("secret", "set", "ssh-key", input=other.key)
            assert stored.code == 0, stored
            yield site, other
    finally:
        other.process.terminate()
        other.process.wait(10)


def declare(site: Any, other: Any, name: str, **fields: Any) -> None:
    spec = {"host": "127.0.0.1", "port": other.port, "user": other.user, "host_key": other.host_key}
    spec |= {"key": {"secret": "ssh-key"}} | fields
    made = site.api("PUT", f"/api/resources/server/{name}", spec, headers={"If-None-Match": "*"})
    assert made.status_code == 201, made.text


def test_a_server_is_read_over_ssh(watched: tuple[Any, Any]) -> None:
    site, other = watched
    declare(site, other, "near")
    local, remote = (site.api("GET", f"/api/servers/{name}").json() for name in ("local", "near"))
    assert remote["status"] == "online", remote
    assert remote["host"] == "127.0.0.1"
    for fact in ("cpu_cores", "memory_total", "disk_total"):
        assert remote[fact] == local[fact], fact
    assert abs(remote["uptime"] - local["uptime"]) < 60
    assert "BEGIN" not in str(remote)


def test_a_server_that_shows_another_key_is_not_talked_to(watched: tuple[Any, Any]) -> None:
    site, other = watched
    declare(site, other, "stranger", host_key="ssh-ed25519 " + "A" * 68)
    declare(site, other, "silent", port=1)
    everyone = {each["id"]: each for each in site.api("GET", "/api/servers").json()["servers"]}
    assert everyone["stranger"]["status"] == "down"
    assert everyone["silent"]["status"] == "down"
    assert everyone["local"]["status"] == "online"
    counted = site.api("GET", "/api/status").json()["servers"]
    assert counted["total"] == len(everyone)
    assert counted["online"] == sum(each["status"] == "online" for each in everyone.values())


def test_a_server_that_goes_away_is_on_the_trail(tmp_path: Path) -> None:
    """Regression: nobody looked after declared servers unless somebody asked, and nothing was written down."""
    if not sshd.PROGRAM.exists():
        missing("sshd is not installed")
    other = sshd.start(tmp_path / "sshd")
    with make_served(health_interval=1) as site:
        assert site.conduit("secret", "set", "ssh-key", input=other.key).code == 0
        declare(site, other, "rack")
        wait_for(lambda: health(site, "rack") == "up", "it is known to be up")
        other.process.terminate()
        other.process.wait(10)
        wait_for(lambda: health(site, "rack") == "down", "it is known to be down")
        entries = site.api("GET", "/api/audit").json()["entries"]
        (alert,) = (each for each in entries if each["action"] == "monitor_alert")
        assert alert["message"] == "server/rack is down, was up"
        assert site.register("beside")["ok"]
        assert not list((site.directory / "state" / "secrets").glob("*")), "no run used the key to log in with"


def health(site: Any, name: str) -> str:
    return str(site.api("GET", f"/api/resources/server/{name}").json()["health"].get("state"))


def test_servers_that_hang_hold_up_no_other_and_no_other_request(watched: tuple[Any, Any]) -> None:
    """Each took one of the six threads that edits and answers need too."""
    site, other = watched
    hanging, many = Holding(), 8
    spec = {"host": "127.0.0.1", "port": hanging.port, "user": other.user, "host_key": other.host_key}
    manifest = {f"hangs-{number}": spec | {"key": {"secret": "ssh-key"}} for number in range(many)}
    site.write("hanging.yaml", json.dumps({"servers": manifest}))
    assert site.api("POST", "/api/apply").json()["ok"]
    wait_for(lambda: all(health(site, name) == "down" for name in manifest), "each was looked after")
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(site.api, "GET", "/api/servers")
        wait_for(lambda: hanging.held == many, "all of them are asked at the same time")
        assert site.api("POST", "/api/dns/resolve", {"domain": "x.home.arpa"}).status_code == 200
        told = {each["id"]: each["status"] for each in looking.result().json()["servers"]}
    assert told["local"] == "online"
    assert [told[name] for name in manifest] == ["down"] * many
    (site.desired / "hanging.yaml").unlink()
    assert site.api("POST", "/api/apply").json()["ok"]
    hanging.close()


def test_a_server_with_a_secret_nobody_stored_is_down_and_says_so(watched: tuple[Any, Any]) -> None:
    site, other = watched
    declare(site, other, "keyless", key={"secret": "nobody-stored-this"})
    found = site.api("GET", "/api/servers/keyless").json()
    assert found["status"] == "down"
    assert "nobody-stored-this" in found["error"]


def test_graphics_cards_are_read_from_what_their_tool_prints() -> None:
    assert read_gpus(RECORDED) == (
        Gpu("NVIDIA GeForce RTX 3090", 61.0, 87.0, 20312.0, 24576.0, 311.52),
        Gpu("NVIDIA A2", 45.0, 0.0, 4.0, 15356.0, None),
    )
    assert read_gpus("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n") == ()


def test_containers_are_read_from_what_docker_prints() -> None:
    assert read_containers(STATS) == (Container("wiki-web-1", "2.34%", "512MiB / 16GiB", "1.2MB / 800kB", "24"),)


def test_what_a_machine_prints_in_half_is_refused() -> None:
    texts = {name: Path(f"/proc/{name}").read_text() for name in ("loadavg", "meminfo", "uptime")}
    stat = Path("/proc/stat").read_text()
    disk = "Filesystem 1-blocks Used Available Capacity Mounted on\n/dev/vda 100 25 75 25% /\n"
    whole = texts | {"stat": stat * 2, "disk": disk}
    assert read_usage(whole).disk_used == 25
    for name in whole:
        with pytest.raises((ValueError, KeyError, IndexError)):
            read_usage(whole | {name: ""})
