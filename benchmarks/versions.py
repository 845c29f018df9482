"""What was measured where: versions, machine, date."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from job import Site
from tools import HERE, Tool

from conduit.sandbox.machine import find_program

_NUMBER: Final = re.compile(r"\d+\.\d+(?:\.\d+)?")
_DAEMONS: Final = {
    "caddy": ("Caddy", "caddy", "version"),
    "nginx": ("nginx", "nginx", "-v"),
    "dnsmasq": ("dnsmasq", "dnsmasq", "--version"),
    "docker": ("Docker", "dockerd", "--version"),
}
"""How the daemon of a part is called, its program, and the word that makes it tell its version."""
_PEERS: Final = {"pyinfra": "--version", "ansible": "--version"}


def versions(site: Site, tools: Iterable[Tool]) -> dict[str, str]:
    """Return the date, the machine, and the version of each program that takes part."""
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} × {_processor()}",
        "Python": platform.python_version(),
        "commit": _output("git", "-C", str(HERE), "describe", "--always", "--dirty"),
    }
    for part in site.parts:
        name, program, word = _DAEMONS[part]
        found[name] = _number(str(find_program(program)), word)
    return found | {tool.name: _number(str(tool.program), _PEERS[tool.name]) for tool in tools if tool.name in _PEERS}


def _number(*argv: str) -> str:
    found = _NUMBER.search(_output(*argv))
    return found[0] if found else "unknown"


def _output(*argv: str) -> str:
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False)
    return done.stdout.strip()


def _processor() -> str:
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return str(names[0]) if names else platform.machine()
