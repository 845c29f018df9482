"""The tools that do the job, each as the command line of one case."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from world import World

HERE: Final = Path(__file__).parent
PEERS: Final = Path(os.environ.get("BENCH_PEERS", HERE.parent / ".venv-peers")) / "bin"
"""Where `make bench-peers` puts pyinfra and Ansible."""

Command = Callable[[World, str], list[str]]


@dataclass(frozen=True)
class Tool:
    """One tool: `command(world, case)`, run in `directory`, does one of the cases `first`, `noop` and `change`."""

    name: str
    program: Path
    command: Command
    directory: Path = HERE
    knows_hosts: bool = True

    @property
    def installed(self) -> bool:
        """Whether its program is there."""
        return self.program.exists()


PYTHON: Final = Path(sys.executable)


def conduit(world: World, *words: str) -> list[str]:
    """Return a command line of conduit on the settings of a world."""
    return [str(PYTHON), "-m", "conduit", "--config", str(world.sandbox.settings_file), *words]


def conduit_case(world: World, case: str) -> list[str]:
    """Return what conduit does in a case."""
    noop, write = ("diff", "--detailed-exitcode"), ("apply", "--yes", "--no-prove")
    return conduit(world, *(noop if case == "noop" else write))


def _raw(world: World, case: str) -> list[str]:
    return [str(PYTHON), str(HERE / "raw_floor.py"), "check" if case == "noop" else "write", str(world.site)]


def _pyinfra(world: World, _case: str) -> list[str]:
    return [str(PEERS / "pyinfra"), "-y", "@local", "deploy.py", "--data", f"site={world.site}"]


def _ansible(world: World, _case: str) -> list[str]:
    return [str(PEERS / "ansible-playbook"), "site.yml", "--extra-vars", f"@{world.site}"]


TOOLS: Final = (
    Tool("raw", PYTHON, _raw),
    Tool("conduit", PYTHON, conduit_case, knows_hosts=False),
    Tool("pyinfra", PEERS / "pyinfra", _pyinfra, HERE / "peers" / "pyinfra"),
    Tool("ansible", PEERS / "ansible-playbook", _ansible, HERE / "peers" / "ansible"),
)
"""The floor first: everything else is compared with it."""
