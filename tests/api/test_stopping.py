"""A server that is stopped in the middle of its work: whoever waits is answered, and the next one goes on."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_world import make_served

from conduit.api.errors import as_api_error
from conduit.reconcile.worker import stopped
from conduit.sandbox.machine import wait_for
from tests.failing import paused_at, reached


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def site(gate: Path) -> Iterator[Any]:
    """A served site whose next apply stops after its first intent, until the gate is opened."""
    with make_served() as site:
        assert site.register("first")["ok"]
        site.stop()
        site.serve(**paused_at("apply.intent", gate))
        yield site


def put(site: Any, name: str) -> httpx.Response:
    path = f"/api/resources/service/{name}"
    answer: httpx.Response = site.api("PUT", path, {"upstream": site.echo}, headers={"If-None-Match": "*"})
    return answer


def begun(site: Any, gate: Path, pool: ThreadPoolExecutor) -> list[Future[httpx.Response]]:
    """Begin one change that is half way through its apply, and one that waits for its own."""
    first = pool.submit(put, site, "second")
    wait_for(reached(gate).exists, "the apply has begun")
    waiting = pool.submit(put, site, "third")
    wait_for((site.desired / "services" / "third.yaml").exists, "the other one is saved")
    return [first, waiting]


def test_a_preview_that_waits_is_answered_503() -> None:
    """Regression: it was the fault of the request, 422."""
    assert as_api_error(stopped()).status == 503


def after(site: Any) -> list[str]:
    """The events of the last run; then a server runs again and does what was left."""
    entries = json.loads(site.conduit("--json", "journal").stdout)["entries"]
    events = [each["event"] for each in entries if each["run"] == entries[-1]["run"]]
    site.serve()
    wait_for(lambda: site.dig("second.home.arpa") and site.dig("third.home.arpa"), "the next server applies both")
    return events


def test_the_step_under_way_is_finished_and_both_are_answered(site: Any, gate: Path) -> None:
    """Regression: they got 500, and the apply broke off where it was about to tell the event stream something."""
    with ThreadPoolExecutor() as pool, site.client.stream("GET", "/api/events") as stream:
        assert stream.status_code == 200
        answers = begun(site, gate, pool)
        os.kill(site.pid, signal.SIGTERM)
        waiting = answers[1].result(30)
        gate.touch()
        first = answers[0].result(30)
    assert site.stop() == 143
    assert (first.status_code, first.json()["ok"]) == (201, False), first.text
    assert "interrupted" in first.json()["stderr"]
    assert (waiting.status_code, waiting.json()["ok"]) == (201, False), waiting.text
    assert "CND-2022" in waiting.json()["stderr"]
    assert "Traceback" not in site.log
    assert after(site)[-1] == "run_finished"


def test_whoever_asks_again_and_again_does_not_break_the_ending_off(site: Any) -> None:
    """Regression: a second SIGTERM, late enough, ended it with a traceback."""

    def ended() -> bool:
        with suppress(ProcessLookupError):
            os.kill(site.pid, signal.SIGTERM)
        return bool(site.ended)

    wait_for(ended, "the server ends", deadline=60)
    assert site.stop() == 143
    assert "Traceback" not in site.log


def test_a_step_that_does_not_end_is_left_to_the_next_server(site: Any, gate: Path) -> None:
    """Regression: the process went on for as long as the step did."""
    with ThreadPoolExecutor() as pool:
        answers = begun(site, gate, pool)
        assert site.stop() == 143
        for answer in answers:
            refused = answer.result(30)
            assert (refused.status_code, refused.json()["ok"]) == (201, False), refused.text
            assert "CND-2022" in refused.json()["stderr"]
    assert "Traceback" not in site.log
    assert after(site)[-1] == "intent"
