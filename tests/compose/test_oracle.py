"""Docker's own `compose config` as a second reader: what it makes of a file means to conduit what the file means.

`config` prints an application in one normal form, which is a Compose file itself. Both are loaded here; they must be
equal. The program is among the packages for development.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conduit.compose.application import Application
from conduit.compose.load import load_file
from tests.compose.kit import ENVIRONMENT, FILES, Site
from tests.conftest import missing

NAMES = sorted(path.name for path in FILES.iterdir())


COMPOSE = Path(sys.executable).with_name("docker-compose")


@pytest.fixture(autouse=True)
def _compose() -> None:
    if not COMPOSE.exists():
        missing(f"{COMPOSE} is not installed")


def printed(path: Path, environment: dict[str, str]) -> Any:
    """Return what `docker compose config` prints for a file."""
    ran = subprocess.run(
        [str(COMPOSE), "-f", path, "config", "--format", "json"],
        cwd=path.parent,
        env={"PATH": "/usr/bin:/bin"} | environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def as_docker_reads_it(path: Path, environment: dict[str, str], scratch: Path) -> Application:
    """Load what Docker printed for a file.

    What it adds for Swarm is taken out. It leaves `create_host_path` out where the specification's default holds.
    """
    data = printed(path, environment)
    for service in data["services"].values():
        service.get("deploy", {}).pop("placement", None)
    for section in ("secrets", "configs"):
        for content in data.get(section, {}).values():
            del content["name"]
    copy = scratch / "docker.yaml"
    copy.write_text(json.dumps(data))
    return load_file(copy, environment, name=data["name"], profiles=["*"]).application


@pytest.mark.parametrize("name", NAMES)
def test_docker_reads_the_suite_as_conduit_does(name: str, tmp_path: Path) -> None:
    path = FILES / name / "compose.yaml"
    ours = load_file(path, ENVIRONMENT).application
    docker = as_docker_reads_it(path, ENVIRONMENT, tmp_path)
    assert ours.model_dump() == docker.model_dump()
    assert ours == docker


SERVICES = {
    "ports": "ports: ['80', '8080:80', '7000-7001:80', '127.0.0.1:1-2:3-4/udp', '[::1]:5:6', ':9', '1.2.3.4::80']",
    "long ports": "ports: [{target: 80, published: 8000-8002, protocol: udp}, {target: '81', host_ip: 127.0.0.1}]",
    "volumes": "volumes: [/anonymous, './x:/x:ro,z,rshared', '~/y:/y', {type: tmpfs, target: /t, tmpfs: {size: 5m}}]",
    "scalars": "labels: {a: 1.50, b: true, c: null, d: 012, e: 0x10, f: yes, g: '012'}",
    "words": 'command: sh -c \'echo "a  b" $$HOME\' "x\\"y" z\\ w',
    "environment": "environment: [A, MISSING, 'B=', 'C=x=y']",
    "devices": "devices: ['/dev/a', '/dev/b:/dev/c', '/dev/d:/dev/e:r']",
    "files": "tmpfs: ['/run:size=64m,mode=1777', /tmp]",
    "checks": "healthcheck: {test: curl localhost, interval: 1h0m0.5s, retries: 3}",
    "sizes": "mem_limit: 1.5GB\nshm_size: 64 MiB\nmemswap_limit: -1",
    "variables": "hostname: ${A:-x}${B-y}${A+z}${MISSING:+w}${MISSING-${A:-deep}}",
    "dollars": "command: ['$$A', '${MISSING:-a$$b}', '${MISSING:-{\"a\":1}}', 'pre${MISSING:-a}b}']",
    "merge": "<<: [{hostname: first, user: '1'}, {hostname: second, working_dir: /w}]\nuser: '2'",
}


@pytest.mark.parametrize("name", SERVICES)
def test_docker_reads_a_field_as_conduit_does(name: str, site: Site, tmp_path: Path) -> None:
    environment = {"HOME": "/home/op", "A": "5", "B": ""}
    fields = SERVICES[name].replace("\n", "\n    ")
    path = site.write("compose.yaml", f"services:\n  a:\n    image: busybox\n    {fields}\n")
    docker = as_docker_reads_it(path, environment, tmp_path)
    assert load_file(path, environment).application.model_dump() == docker.model_dump()
