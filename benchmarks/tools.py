"""The tools that do the job, each as the command line of one case."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from job import Wish, wish
from world import World

HERE: Final = Path(__file__).parent
PEERS: Final = Path(os.environ.get("BENCH_PEERS", HERE.parent / ".venv-peers")) / "bin"
"""Where `make bench-peers` puts pyinfra and Ansible."""

Command = Callable[[World, str], list[str]]


@dataclass(frozen=True)
class Tool:
    """One tool: `command(world, case)`, run in `directory`, does one of the cases `first`, `after`, `noop`, `change`.

    `prepare` brings a fresh world to where the clock may start.
    """

    name: str
    program: Path
    command: Command
    directory: Path = HERE
    knows_hosts: bool = True
    prepare: Callable[[World], None] | None = None

    @property
    def installed(self) -> bool:
        """Whether its program is there."""
        return self.program.exists()


PYTHON: Final = Path(sys.executable)
CONDUIT: Final = PYTHON.with_name("conduit")


def conduit(world: World, *words: str) -> list[str]:
    """Return a command line of conduit on the settings of a world, as people type it."""
    return [str(CONDUIT), "--config", str(world.sandbox.settings_file), *words]


def conduit_case(world: World, case: str) -> list[str]:
    """Return what conduit does in a case."""
    noop, write = ("diff", "--detailed-exitcode"), ("apply", "--yes", "--no-prove", "--quiet")
    return conduit(world, *(noop if case in ("noop", "after") else write))


def conduit_frame(world: World) -> None:
    """Apply a few services and remove them again: what stays is an empty site with its frames."""
    few = wish(world.site, 5, world.upstreams["before"])
    nothing: Wish = {kind: {} for kind in few}
    write = conduit_case(world, "first")
    world.declare(few)
    subprocess.run(write, check=True, stdout=subprocess.DEVNULL)
    world.declare(nothing)
    plan = subprocess.run(conduit(world, "diff", "--json"), stdout=subprocess.PIPE, check=True).stdout
    deletes = json.loads(plan)["summary"]["delete"]
    subprocess.run([*write, "--allow-deletes", str(deletes)], check=True, stdout=subprocess.DEVNULL)


def _raw(world: World, case: str) -> list[str]:
    mode = "check" if case in ("noop", "after") else "write"
    return [str(PYTHON), str(HERE / "raw" / "floor.py"), mode, str(world.description)]


def _pyinfra(world: World, _case: str) -> list[str]:
    return [str(PEERS / "pyinfra"), "-y", "@local", "deploy.py", "--data", f"site={world.description}"]


def _ansible(world: World, _case: str) -> list[str]:
    return [str(PEERS / "ansible-playbook"), "site.yml", "--extra-vars", f"@{world.description}"]


TOOLS: Final = (
    Tool("raw", PYTHON, _raw),
    Tool("conduit", CONDUIT, conduit_case, knows_hosts=False, prepare=conduit_frame),
    Tool("pyinfra", PEERS / "pyinfra", _pyinfra, HERE / "peers" / "pyinfra"),
    Tool("ansible", PEERS / "ansible-playbook", _ansible, HERE / "peers" / "ansible"),
)
"""The floor first: everything else is compared with it."""
