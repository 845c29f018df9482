"""The private dockerd: containers reach each other and are reached, the host is left alone, and nothing is left."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from conduit.sandbox import docker as private_docker
from conduit.sandbox import image
from conduit.sandbox.daemon import Daemon
from conduit.sandbox.docker_sweep import processes
from conduit.sandbox.machine import free_port
from tests.conftest import Ran, Site
from tests.dockerd import cli_of

IMAGE = image.NAME
SERVE = ("sh", "-c", "echo hello > /srv/index.html; exec httpd -f -p 80 -h /srv")


def address_of(daemon: Daemon) -> str:
    return str(ip_network(daemon.section["subnet"])[5])


def test_containers_are_reached_by_address_by_port_and_by_name(
    dockerd: Daemon, docker: Callable[..., Ran], run: Callable[..., Ran], wait_for: Callable[..., Any]
) -> None:
    address, port = address_of(dockerd), free_port()
    assert docker("network", "create", "--subnet", dockerd.section["subnet"], "own").code == 0
    where = ("--network", "own", "--ip", address, "--publish", f"127.0.0.1:{port}:80")
    assert docker("run", "--detach", "--name", "web", *where, IMAGE, *SERVE).code == 0
    for url in (f"http://{address}/", f"http://127.0.0.1:{port}/"):
        assert wait_for(lambda url=url: run("curl", "-sS", url).stdout, url) == "hello\n"
    assert docker("run", "--rm", "--network", "own", IMAGE, "wget", "-qO-", "http://web/").stdout == "hello\n"


def test_nothing_of_the_host_is_changed(docker: Callable[..., Ran], run: Callable[..., Ran]) -> None:
    forwarding = Path("/proc/sys/net/ipv4/ip_forward")
    before = run("iptables-save").stdout, run("ip6tables-save").stdout, forwarding.read_text()
    assert docker("network", "create", "own").code == 0
    assert docker("run", "--detach", "--network", "own", "--publish", "80", IMAGE, *SERVE).code == 0
    rules = [table.splitlines() for table in (run("iptables-save").stdout, run("ip6tables-save").stdout)]
    assert [[line for line in table if not line.startswith("#")] for table in rules] == [
        [line for line in table.splitlines() if not line.startswith("#")] for table in before[:2]
    ]
    assert forwarding.read_text() == before[2]


def leftovers(directory: Path, daemon: Daemon, run: Callable[..., Ran]) -> list[str]:
    """What belongs to a dockerd outside of its directory."""
    group, network = daemon.sweep[3], ip_network(daemon.sweep[4])
    links = json.loads(run("ip", "-json", "-4", "address").stdout)
    return [
        *map(str, processes(directory, group)),
        *(line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(directory) in line),
        *(each["ifname"] for each in links for a in each["addr_info"] if ip_network(a["local"]).subnet_of(network)),
        *map(str, Path("/sys/fs/cgroup").rglob(group)),
    ]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_an_ended_dockerd_leaves_nothing_and_has_its_containers_again(
    directory: Path, private: Callable[..., Daemon], run: Callable[..., Ran], wait_for: Callable[..., Any], end: str
) -> None:
    daemon = private(private_docker.start, directory)
    image.load(Path(daemon.section["socket"]))
    docker = cli_of(daemon)
    assert docker("network", "create", "--subnet", daemon.section["subnet"], "own").code == 0
    always = ("--restart", "always", "--network", "own", "--ip", address_of(daemon))
    assert docker("run", "--detach", *always, IMAGE, *SERVE).code == 0
    assert leftovers(directory, daemon, run)
    getattr(daemon, end)()
    daemon.stop()
    assert leftovers(directory, daemon, run) == []

    Daemon.load(directory).start()
    assert wait_for(lambda: run("curl", "-sS", f"http://{address_of(daemon)}/").stdout, "it serves") == "hello\n"


def test_a_site_may_have_a_dockerd_of_its_own(directory: Path, dockerd: Daemon) -> None:
    site = Site(directory / "site", proxies=(), docker=True)
    site.up()
    try:
        own = site.daemons["docker"]
        assert own.section["socket"] in site.settings_file.read_text()
        assert not ip_network(own.sweep[4]).overlaps(ip_network(dockerd.sweep[4]))
        assert cli_of(own)("info").code == 0
    finally:
        site.down()


def test_a_directory_with_a_long_path_is_no_obstacle(directory: Path, private: Callable[..., Daemon]) -> None:
    daemon = private(private_docker.start, directory / ("deep" * 15))
    assert cli_of(daemon)("info").code == 0
    daemon.stop()
    assert not Path(daemon.section["socket"]).parent.exists()
