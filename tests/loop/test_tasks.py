"""`conduit watch` does tasks too: seen in dnsmasq's own statistics, told when they fail, and waiting behind a run."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran, Site
from tests.failing import paused_at, reached
from tests.loop.conftest import Watch
from tests.loop.receiver import receiving

PEOPLE = "users:\n  ada: {role: %s}\n"
TASK = "tasks:\n  fresh: {schedule: '0 0 1 1 *', action: flush, subject: frame/dnsmasq, run_as: ada, enabled: %s}\n"


@pytest.fixture
def proxies() -> tuple[str, ...]:
    """These tests need no proxy."""
    return ()


FOREIGN = """
INSERT INTO tasks VALUES ('a-foreign', '* * * * *', 'UTC', 'flush', 'frame/dnsmasq', 'ada', 1, '', 1, NULL, '', '')
"""


def declare(site: Site, role: str = "operator", enabled: str = "true") -> None:
    site.write("people.yaml", PEOPLE % role)
    site.write("tasks.yaml", TASK % enabled)


def sql(site: Site, query: str) -> list[Any]:
    with closing(sqlite3.connect(site.directory / "keys" / "self.db", timeout=10)) as connection, connection:
        return connection.execute(query).fetchall()


def let_come(site: Site) -> None:
    """Let the time of the task come: its newest instant is due at once."""
    sql(site, "UPDATE tasks SET since = 1, result = ''")


def touched(site: Site) -> int:
    """How often something was begun with dnsmasq as a whole, as the journal tells."""
    lines = [line for each in (site.directory / "state" / "journal").glob("*.jsonl") for line in each.open()]
    changes = [change for line in lines for change in json.loads(line)["data"].get("changes", ())]
    return [change[0] for change in changes].count("frame/dnsmasq")


def result(site: Site) -> str:
    ((found,),) = sql(site, "SELECT result FROM tasks WHERE name = 'fresh'")
    return str(found)


def test_a_task_is_done_told_and_recorded_and_a_refusal_reaches_people(
    site: Site, kept: Callable[..., Watch], wait_for: Callable[..., Any]
) -> None:
    with receiving() as receiver:
        hook = {"url": f"json://127.0.0.1:{receiver.port}/x", "events": ["failure", "recovery"]}
        site.settings["notify"] = {"calm": 1, "channels": {"hook": hook}}
        declare(site)
        loop = kept({"interval": 1}, one="10.0.0.1")
        before = touched(site)
        sql(site, FOREIGN)
        let_come(site)
        wait_for(lambda: result(site) == "ok", "the task is done")
        (line,) = loop.lines("scheduled")
        assert line["done"].startswith("task/fresh: flush frame/dnsmasq: emptied the cache of ")
        assert sql(site, "SELECT ran_at FROM tasks WHERE name = 'a-foreign'") == [(None,)], "it is not ours"
        assert "next run" in site.conduit("get", "task/fresh").stdout
        assert touched(site) == before + 1

        declare(site, role="auditor")
        wait_for(lambda: sql(site, "SELECT role FROM users") == [("auditor",)], "the user has other rights")
        let_come(site)
        wait_for(lambda: result(site) == "denied", "nothing is done")
        wait_for(lambda: "failure" in receiver.titles(), "people are told")
        assert "task/fresh: system:write is required" in receiver.messages[0]["message"]
        assert "CND-2203" in [line["code"] for line in loop.lines("failed")]
        assert touched(site) == before + 1
        assert "not scheduled" not in site.conduit("get", "task/fresh").stdout
        assert loop.ended() == 143
        assert "not scheduled: nothing runs `conduit serve`" in site.conduit("get", "task/fresh").stdout


def test_a_task_waits_behind_a_run(
    site: Site, kept: Callable[..., Watch], wait_for: Callable[..., Any], tmp_path: Path, cli: Callable[..., Ran]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    declare(site)
    loop = kept({}, one="10.0.0.1")
    gate = tmp_path / "gate"
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(site.conduit, "operate", "flush", "dnsmasq", env=paused_at("apply.locked", gate))
        wait_for(reached(gate).exists, "a run holds the lock")
        let_come(site)
        wait_for(lambda: "CND-0551" in [line["code"] for line in loop.lines("failed")], "the task is told to wait")
        assert (result(site), sql(site, "SELECT ran_at FROM tasks")) == ("", [(None,)])
        gate.touch()
        assert run.result().code == 0
    wait_for(lambda: result(site) == "ok", "it is done when the run has ended")


def test_a_task_that_is_enabled_again_does_not_catch_up(site: Site) -> None:
    site.up()
    for enabled in ("true", "false", "true"):
        declare(site, enabled=enabled)
        assert site.conduit("apply", "--yes").code == 0
        ((since,),) = sql(site, "SELECT since FROM tasks")
        assert since > 1
        sql(site, "UPDATE tasks SET since = 1")
    assert site.conduit("diff", "--detailed-exitcode").code == 0
