"""Applications of the Compose suite on a real Docker: applied, and then nothing is left to do.

No image of theirs is here; each name they ask for is given to one stand-in that runs for as long as it is let, and in
which the programs of their health checks are there and content.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from test_suite_files import NAMES

from tests.compose.kit import ENVIRONMENT, FILES
from tests.conftest import Ran, Site

STANDIN = """\
FROM sandbox/busybox:1
RUN for each in bash curl mc mysqladmin nc pg_isready healthcheck.sh redis-cli ss wget; do \\
      printf '#!/bin/sh\\n' > /bin/$each.new; chmod +x /bin/$each.new; mv /bin/$each.new /bin/$each; done
COPY run /run.sh
COPY run /cron.sh
RUN chmod +x /cron.sh
ENTRYPOINT ["/bin/sh", "/run.sh"]
"""
RUN = """\
#!/bin/sh
case "$*" in *init*|*migrate*) exit 0;; esac
trap 'exit 0' TERM INT
while :; do sleep 0.1; done
"""
NOT_HERE = {
    "backup": "an overlay of directories of its host",
    "elk": "a right to lock memory that this machine may not have",
    "homeassistant": "capabilities and a serial device",
    "image-build": "images for another processor, and one built from the network",
    "immich": "an image by its digest",
    "jellyfin": "a graphics card",
    "keycloak": "start_interval, which needs a newer Docker",
    "mailserver": "GNU grep in its health check",
    "prometheus": "a root directory that is a shared mount",
    "unbound": "an address of its host",
}
"""What some applications need of their machine; what becomes of these is looked at without applying them."""
QUICK = ("gitea", "profiles", "secrets-files", "traefik")
"""What every run of the tests applies; the others are for `make soak`."""
HERE = [name if name in QUICK else pytest.param(name, marks=pytest.mark.soak) for name in NAMES if name not in NOT_HERE]


@pytest.fixture
def proxies() -> tuple[str, ...]:
    return ()


def test_every_application_is_applied_or_said_to_need_more() -> None:
    assert set(QUICK) | set(NOT_HERE) <= set(NAMES)
    assert len(HERE) + len(NOT_HERE) == len(NAMES)


@pytest.mark.parametrize("name", HERE)
def test_an_application_is_applied_and_then_nothing_is_left(
    docker_site: Site, docker: Callable[..., Ran], name: str
) -> None:
    site = docker_site
    directory = site.directory / "apps" / name
    shutil.copytree(FILES / name, directory)
    check_often(directory)
    spec = {"file": f"../apps/{name}/compose.yaml", "env": ENVIRONMENT, "profiles": ["*"], "dangerous": True}
    site.write("site.yaml", json.dumps({"deployments": {name: spec}}))
    stand_in(site.directory / "standin", docker, references(site))
    assert docker("network", "create", "proxy").code == 0
    applied = site.conduit("apply", "--yes", "--timeout", "100", timeout=150)
    assert applied.code == 0, applied.stdout + applied.stderr
    again = site.conduit("diff", "--detailed-exitcode")
    assert again.code == 0, again.stdout


def check_often(directory: Path) -> None:
    """Let health checks run each second instead of each minute or so."""
    for path in directory.glob("*.yaml"):
        text = re.sub(r"interval: *\S+?(?=[,}\n])", "interval: 1s", path.read_text())
        path.write_text(re.sub(r"start_period: *\S+?(?=[,}\n])", "start_period: 1s", text))


def references(site: Site) -> set[str]:
    """Return the images that a plan would fetch."""
    told = site.conduit("diff", "--json")
    assert told.code == 0, told
    changes = json.loads(told.stdout)["resource_changes"]
    images = [change["after"] for change in changes if change["kind"] == "image"]
    return {image["reference"] for image in images if image.get("build") is None}


def stand_in(directory: Path, docker: Callable[..., Ran], names: set[str]) -> None:
    """Build the stand-in and give it these names."""
    directory.mkdir()
    (directory / "Dockerfile").write_text(STANDIN)
    (directory / "run").write_text(RUN)
    built = docker("build", "--tag", "stand-in:1", str(directory))
    assert built.code == 0, built.stderr
    for name in names:
        assert docker("tag", "stand-in:1", name).code == 0, name
