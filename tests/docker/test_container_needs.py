"""A container waits for those it depends on, also when they stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conduit.report import ApplyOptions, Event, EventKind
from tests.docker.container_world import SLEEP, Containers

CHECKED = "command: [sh, -c, 'touch /tmp/up; exec sleep 600'], stop_signal: SIGKILL"
DB = f"{CHECKED}, healthcheck: {{test: [CMD, test, -e, /tmp/up], interval: 1s, retries: 1}}"
WEB = f"{SLEEP}, needs: [container/db], depends_on: {{db: service_healthy}}"


def health(containers: Containers) -> str:
    return str(containers.inspect("db")["State"]["Health"]["Status"])


def test_one_that_is_unhealthy_holds_back_who_needs_it(containers: Containers, wait_for: Callable[..., Any]) -> None:
    containers.declare(db=DB, web=WEB)
    containers.apply()
    before = containers.inspect("web")["Id"]
    containers.hand("exec", "db", "rm", "/tmp/up")
    wait_for(lambda: health(containers) == "unhealthy", "db is unhealthy")
    containers.declare(db=DB, web=f"{WEB}, environment: {{A: b}}")
    report = containers.apply(code=4)
    assert any("it needs db: its health check fails" in outcome.reason for outcome in report.outcomes)
    assert (containers.inspect("web")["Id"], containers.running()) == (before, ["db", "web"])
    containers.hand("exec", "db", "touch", "/tmp/up")
    wait_for(lambda: health(containers) == "healthy", "db is healthy again")
    containers.apply()
    assert containers.running() == ["db", "web-b"]
    assert containers.settled()


@pytest.mark.parametrize(
    ("condition", "words"),
    [("service_started", "it does not run"), ("service_completed_successfully", "it ended with exit code 3")],
)
def test_one_that_ended_holds_back_who_needs_it(containers: Containers, condition: str, words: str) -> None:
    stopped = f"{SLEEP}, state: stopped"
    containers.declare(db=stopped)
    containers.apply()
    failed = "command: [sh, -c, 'exit 3'], state: finished"
    db = stopped if condition == "service_started" else failed
    containers.declare(db=db, web=f"{SLEEP}, needs: [container/db], depends_on: {{db: {condition}}}")
    report = containers.apply(code=4)
    assert any(words in outcome.reason for outcome in report.outcomes)
    assert containers.running() == []


@pytest.mark.parametrize(
    ("needs", "order"),
    [("", ["dns_record/more", "container/db"]), (", needs: [container/db]", ["container/db", "dns_record/more"])],
    ids=["nobody", "a record"],
)
def test_only_who_needs_a_container_waits_until_it_is_ready(
    containers: Containers, needs: str, order: list[str]
) -> None:
    record = f"dns_records:\n  more: {{name: more.home.arpa, value: 10.0.0.9{needs}}}\n"
    containers.declare(record, db=DB)
    engine, events = containers.world.engine(), list[Event]()
    report = engine.apply(engine.plan(), ApplyOptions(prove=False), events.append)
    assert report.exit_code == 0, report.outcomes
    ended = [str(event.key) for event in events if event.kind is EventKind.FINISHED]
    assert [key for key in ended if key in order] == order
    assert health(containers) == "healthy"
    assert containers.site.dig("more.home.arpa") == ["10.0.0.9"]
