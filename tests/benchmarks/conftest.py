"""What every test of the benchmarks needs."""

from __future__ import annotations

import os

import pytest

from conduit.sandbox.machine import SandboxError, find_program
from tests.conftest import missing


@pytest.fixture
def programs() -> None:
    """The daemons' programs, which the harness starts by itself."""
    try:
        for name in ("caddy", "nginx", "dnsmasq", "dockerd", "containerd", "runc"):
            find_program(name)
    except SandboxError as error:
        missing(error.diagnostics[0].summary)
    if os.geteuid() != 0:
        missing("a private dockerd needs root")
