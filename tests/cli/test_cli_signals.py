"""What a signal to a running command ends, with which exit code, and how the next run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.failing import paused_at, reached


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_130_and_143_the_first_signal_finishes_the_step(
    site: Any, wait_for: Callable[..., Any], number: signal.Signals, code: int
) -> None:
    running, gate = paused_apply(site, wait_for)
    running.send_signal(number)
    wait_for(lambda: b"stopping" in os.read(running.stderr.fileno(), 200), "the answer to the signal")
    gate.touch()
    out, _ = running.communicate(timeout=60)
    assert running.returncode == code
    assert b"Apply interrupted" in out
    assert b"next: conduit apply" in out
    assert site.conduit("apply", "--yes", "--no-prove").code == 0
    assert site.dig("wiki.home.arpa") == ["127.0.0.1"]


def test_130_the_second_signal_aborts_and_the_next_run_tells(site: Any, wait_for: Callable[..., Any]) -> None:
    running, _ = paused_apply(site, wait_for)
    running.send_signal(signal.SIGINT)
    wait_for(lambda: b"stopping" in os.read(running.stderr.fileno(), 200), "the answer to the signal")
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode == 130
    done = site.conduit("apply", "--yes", "--no-prove")
    assert done.code == 0, done
    assert "did not end" in done.stdout
    assert site.dig("wiki.home.arpa") == ["127.0.0.1"]


def test_130_at_a_diff(site: Any, wait_for: Callable[..., Any]) -> None:
    gate = site.directory / "gate"
    running = start(site, ["diff"], paused_at("plan.observed", gate))
    wait_for(reached(gate).exists, "the pause")
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told.strip() == b"interrupted"


def paused_apply(site: Any, wait_for: Callable[..., Any]) -> tuple[subprocess.Popen[bytes], Path]:
    """Start an apply that waits right after its first intent until the gate is there."""
    site.write("a.yaml", "services:\n  wiki:\n    upstream: 127.0.0.1:9\n    tls: off\n")
    gate = site.directory / "gate"
    running = start(site, ["apply", "--yes", "--no-prove"], paused_at("apply.intent", gate))
    wait_for(reached(gate).exists, "the pause")
    return running, gate


def start(site: Any, words: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    paths = {"CONDUIT_CONFIG": str(site.settings_file), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "conduit", *words],
        cwd=site.directory,
        env=os.environ | paths | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
