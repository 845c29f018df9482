"""A proxy before the private dockerd that spoils what it passes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fault_proxy import FaultProxy

from conduit.sandbox.daemon import Daemon


@pytest.fixture
def proxy(directory: Path, dockerd: Daemon) -> Iterator[FaultProxy]:
    """The proxy; it passes everything on as it is until a test spoils something."""
    with FaultProxy(directory / "proxy.sock", dockerd.section["socket"]).running() as proxy:
        yield proxy


@pytest.fixture
def docker_settings(dockerd: Daemon, proxy: FaultProxy) -> dict[str, Any]:
    """The settings of a site that reaches Docker through the proxy."""
    return {"docker": dockerd.section | {"socket": str(proxy.path)}}
