"""The systemd units: accepted by systemd's own checker without a word, and hardened."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Copies of the units whose program exists on this machine."""
    for unit in PACKAGING.glob("conduit*.*"):
        (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/bin/conduit ", "/bin/true "))
    return tmp_path


@pytest.mark.parametrize(
    "name", ["conduit-apply.service", "conduit-apply.timer", "conduit-watch.service", "conduit-serve.service"]
)
def test_systemd_accepts_the_unit_without_a_warning(units: Path, run: Callable[..., Any], name: str) -> None:
    checked = run("systemd-analyze", "verify", "--man=no", str(units / name))
    assert (checked.code, checked.stderr) == (0, "")


@pytest.mark.parametrize("name", ["conduit-watch.service", "conduit-serve.service"])
def test_what_a_stopped_service_exits_with_is_no_failure_to_systemd(name: str) -> None:
    assert "SuccessExitStatus=143" in (PACKAGING / name).read_text().splitlines()


def test_a_bad_line_would_be_noticed(units: Path, run: Callable[..., Any]) -> None:
    unit = units / "conduit-apply.service"
    unit.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystem=perhaps"))
    assert "protect system" in run("systemd-analyze", "verify", "--man=no", str(unit)).stderr


def test_the_service_is_hardened(units: Path, run: Callable[..., Any]) -> None:
    unit = units / "conduit-apply.service"
    scored = run("systemd-analyze", "security", "--offline=true", "--json=short", str(unit))
    exposed = {check["json_field"] for check in json.loads(scored.stdout) if not check["set"]}
    must = {"NoNewPrivileges", "ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectKernelModules"}
    assert scored.code == 0
    assert not must & exposed
