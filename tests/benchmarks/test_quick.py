"""The benchmark harness runs, and counts no figure of a site that does not hold. Nothing here is timed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The report module of the benchmarks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import report

    return report


def row(tool: str, case: str = "noop", **fields: Any) -> dict[str, Any]:
    """A row of a run in which all went well."""
    loads = {"caddy_loads": 0, "nginx_loads": 0, "dnsmasq_loads": 0, "dnsmasq_starts": 0}
    cost = {"wall": 1.0, "cpu": 1.0, "rss": 50.0, "others": 0.0, "problems": []}
    return {"tool": tool, "case": case, "count": 100, "round": 0, **cost, **loads, **fields}


@pytest.mark.usefixtures("programs")
def test_a_run_does_the_job_with_each_tool_and_verifies_it(run: Callable[..., Any], tmp_path: Path) -> None:
    out, words = tmp_path / "rows.jsonl", ("--sizes", "5", "--rounds", "1", "--tools", "raw,conduit")
    ran = run(sys.executable, str(BENCHMARKS / "run.py"), *words, "--out", str(out), timeout=170)
    about, *rows = map(json.loads, out.read_text().splitlines())
    assert (ran.code, [each["problems"] for each in rows]) == (0, [[]] * len(rows)), ran.stderr
    assert {(each["tool"], each["case"]) for each in rows} >= {
        (tool, case) for tool in ("raw", "conduit") for case in ("first", "after", "noop", "change")
    }
    assert about["command"] == "benchmarks/run.py --site full --sizes 5 --rounds 1 --tools raw,conduit"
    assert "| no-op, 5 services, to raw | 1.5× |" in ran.stdout


@pytest.mark.usefixtures("programs")
def test_a_daemon_that_answers_wrongly_is_noticed(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import verify
    from job import SITES, wish
    from world import World

    monkeypatch.setattr(verify, "SECONDS", 1)
    with World(SITES["full"], knows_hosts=True) as world:
        declared = wish(world.site, 5, world.upstreams["before"])
        world.declare(declared)
        floor = (sys.executable, str(BENCHMARKS / "raw" / "floor.py"))
        assert run(*floor, "write", str(world.description)).code == 0
        assert verify.problems(world, declared) == []
        assert run(*floor, "check", str(world.description)).code == 0
        other = wish(world.site, 6, world.upstreams["after"], changed=True)
        world.declare(other)
        assert run(*floor, "check", str(world.description)).code == 1
        found = " ".join(verify.problems(world, other))
    assert "caddy: 2 sites are wrong, one of them svc5.bench.test" in found
    assert "nginx: 2 sites are wrong, one of them web5.bench.test" in found
    assert "nginx: does not serve web6.bench.test" in found
    assert "docker: 5 containers instead of 6, wrong is app5" in found
    assert "dnsmasq: svc5.bench.test answers ['10.0.0.5']" in found
    assert found.count("is answered 200, not by after") == 2


def test_a_figure_counts_only_when_the_site_held(report: Any) -> None:
    rows = [row("raw"), row("conduit", problems=["exit code 1"])]
    shown = report.report({"command": "run.py", "date": "2026-01-01"}, rows)
    assert "| no-op, 100 services, to raw | 1.5× | not measured |  |" in shown


def test_ratios_are_taken_within_a_round(report: Any) -> None:
    rows = [
        row("raw", cpu=1.0),
        row("conduit", cpu=1.2),
        row("raw", cpu=4.0, round=1),
        row("conduit", cpu=4.8, round=1),
    ]
    assert report.Figures(rows).ratio("noop", 100, "cpu") == pytest.approx(1.2)


def test_a_missed_target_is_told(report: Any) -> None:
    rows = [row("raw"), row("conduit", cpu=1.6)]
    assert "| 1.6× | **missed** |" in report.report({"command": "run.py", "date": "2026-01-01"}, rows)


def test_figures_replace_what_stands_between_the_markers(
    report: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, end = report.BEGIN.format(site="full"), report.END.format(site="full")
    docs = tmp_path / "performance.md"
    docs.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    monkeypatch.setattr(report, "DOCS", docs)
    report.publish("new", "full")
    assert docs.read_text() == f"before\n{begin}\nnew\n{end}\nafter\n"


def test_every_run_that_is_published_has_its_place_in_the_docs(report: Any) -> None:
    text = report.DOCS.read_text()
    published = re.findall(r"<!-- figures of ([a-z-]+): begin -->", text)
    assert published == ["proxy-dns", "full", "updates", "saved", "api", "audit"]
    assert all(report.END.format(site=each) in text for each in published)
