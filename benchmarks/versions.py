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

from tools import HERE, Tool

from conduit.sandbox.machine import find_program

_NUMBER: Final = re.compile(r"\d+\.\d+(?:\.\d+)?")
_DAEMONS: Final = {"Caddy": ("caddy", "version"), "dnsmasq": ("dnsmasq", "--version")}
_PEERS: Final = {"pyinfra": "--version", "ansible": "--version"}


def versions(tools: Iterable[Tool]) -> dict[str, str]:
    """Return the date, the machine, and the version of each program that takes part."""
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} × {_processor()}",
        "Python": platform.python_version(),
        "commit": _output("git", "-C", str(HERE), "describe", "--always", "--dirty"),
    }
    found |= {name: _number(str(find_program(argv[0])), *argv[1:]) for name, argv in _DAEMONS.items()}
    return found | {tool.name: _number(str(tool.program), _PEERS[tool.name]) for tool in tools if tool.name in _PEERS}


def _number(*argv: str) -> str:
    found = _NUMBER.search(_output(*argv))
    return found[0] if found else "unknown"


def _output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False).stdout.strip()


def _processor() -> str:
    names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return str(names[0]) if names else platform.machine()
