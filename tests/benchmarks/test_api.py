"""The benchmark of the API counts nothing that is not so, and writers at once lose nothing. Nothing here is timed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from conduit.sandbox.machine import SandboxError, find_program
from tests.conftest import missing

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SOAK = [pytest.mark.soak, pytest.mark.timeout(1800)]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests import the benchmarks' modules as these import each other; they start daemons by themselves."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    try:
        for name in ("caddy", "dnsmasq", "git", "wrk"):
            find_program(name)
    except SandboxError as error:
        missing(error.diagnostics[0].summary)


@pytest.mark.parametrize(("writers", "edits"), [(8, 5), pytest.param(32, 100, marks=SOAK)])
@pytest.mark.parametrize("one_file", [False, True], ids=["a file each", "one file"])
def test_c2_every_acknowledged_edit_is_one_commit_and_live(writers: int, edits: int, one_file: bool) -> None:
    from writers import race

    done = race(writers, edits, one_file=one_file)
    assert done.wrong == ""
    assert done.statuses.total() == writers * edits
    assert set(done.acknowledged.values()) == {1}
    assert done.acknowledged.total() == writers * edits or one_file


def test_a_lost_or_doubled_edit_is_noticed() -> None:
    from writers import Race

    def wrong(committed: dict[str, int], status: int = 200, live: bool = True) -> str:
        return Race(1.0, Counter({"10.1.0.1": 1}), Counter(committed), Counter({status: 1}), live).wrong

    assert wrong({"10.1.0.1": 1}) == ""
    assert "were lost" in wrong({})
    assert "never acknowledged" in wrong({"10.1.0.1": 2})
    assert "status {500}" in wrong({"10.1.0.1": 1}, status=500)
    assert "not what is live" in wrong({"10.1.0.1": 1}, live=False)


def test_registrations_and_reads_are_measured_on_a_site_that_holds() -> None:
    from reads import reads
    from registration import one

    figure = one(2, rounds=1)
    assert figure.value > 0
    assert "by hand" in figure.beside
    rates = [each.value for each in reads(2, seconds=1) if each.unit == "/s"]
    assert len(rates) == 3
    assert min(rates) > 0


def test_every_reader_gets_every_event() -> None:
    from streams import streams

    assert streams(readers=12, events=2).value >= 0


@pytest.mark.parametrize(
    ("value", "limit", "least", "verdict"),
    [
        (1, None, False, ""),
        (2, 1, False, "**missed**"),
        (1, 1, False, "held"),
        (2, 1, True, "held"),
        (0, 1, True, "**missed**"),
    ],
)
def test_a_promise_is_judged(value: float, limit: Any, least: bool, verdict: str) -> None:
    from figure import Figure

    assert Figure("x", 100, value, " ms", limit, least=least).verdict == verdict
