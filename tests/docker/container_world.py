"""A site with containers, and how Docker's own CLI sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import yaml

from conduit.change import Change
from conduit.resources.network_spec import own_network
from conduit.sandbox.image import NAME
from tests.conftest import Ran
from tests.engine.conftest import World

IMAGES = f"images:\n  busybox: {{reference: '{NAME}'}}\n"
SLEEP = "command: [sleep, '600'], stop_signal: SIGKILL"
"""What runs where it does not matter, and stops at once: busybox as process 1 ignores SIGTERM."""


def website(text: str, delay: float = 0) -> str:
    """The fields of a container that answers with a text, some seconds after its start, to those a proxy sends."""
    script = f"echo {text} > /srv/index.html; sleep {delay}; exec httpd -f -p 8080 -h /srv"
    return f"command: [sh, -c, '{script}'], serves: [8080], stop_signal: SIGKILL, needs: [network/conduit]"


class Containers:
    """Declares containers on a site and looks at them from outside."""

    def __init__(self, world: World, docker: Callable[..., Ran]) -> None:
        self.world, self.docker, self.site = world, docker, world.site

    def declare(self, *others: str, **containers: str) -> None:
        """Write the manifest: `name="fields"` of each container, and other sections as they are."""
        lines = [f"  {name}: {{image: busybox, {fields}}}\n" for name, fields in containers.items()]
        text = IMAGES + ("containers:\n" + "".join(lines) if lines else "") + "".join(others)
        self.site.write("site.yaml", text)

    @property
    def own_network(self) -> str:
        """The section that declares conduit's own network."""
        found = own_network(self.world.engine().settings)
        return f"networks:\n  {found.key.name}: {json.dumps(found.spec.model_dump(exclude_defaults=True))}\n"

    def apply(self, code: int = 0, **selection: Any) -> Any:
        """Apply, expecting an exit code, and return the report."""
        report = self.world.apply(**selection)
        assert report.exit_code == code, report.outcomes
        return report

    def settled(self) -> bool:
        """Whether nothing is to be done."""
        return self.world.plan().empty

    def change(self) -> Change:
        """The one change of a plan."""
        (change,) = self.world.changes()
        return change

    def inspect(self, name: str) -> Any:
        """What `docker inspect` says; fails when there is no such container."""
        return json.loads(self.docker("inspect", "--type", "container", name).stdout)[0]

    def names(self) -> list[str]:
        """The names of all containers, running or not."""
        return sorted(self.docker("ps", "--all", "--format", "{{.Names}}").stdout.split())

    def running(self) -> list[str]:
        """The names of the containers that run."""
        return sorted(self.docker("ps", "--format", "{{.Names}}").stdout.split())

    def own_address(self, number: int) -> str:
        """An address in the upper half of conduit's own network, which Docker gives out."""
        own = ip_network(self.site.settings["docker"]["subnet"])
        return str(own[own.num_addresses // 2 + number])

    def files(self) -> list[Path]:
        """The injected files of this site on the host; others had files with the same Docker."""
        own = Path(self.site.settings["docker"]["files"]) / yaml.safe_load(self.site.settings_file.read_text())["site"]
        return [path for path in own.rglob("*") if path.is_file()]

    def hand(self, *words: str) -> str:
        """Do something with Docker's CLI by hand."""
        done = self.docker(*words)
        assert done.code == 0, done.stderr
        return done.stdout.strip()
