"""A loop does no task about what it only observes, or does not know yet: seen in what Docker tells of a container."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from tests.conftest import Ran, Site
from tests.loop.conftest import NAP, Watch

TASKS = """\
users:
  ada: {role: operator}
grants:
  ada-nap: {user: ada, deployment: nap, level: write}
tasks:
  again: {schedule: "0 0 1 1 *", action: restart, subject: container/nap-web-1, run_as: ada}
  fresh: {schedule: "0 0 1 1 *", action: flush, subject: frame/dnsmasq, run_as: ada}
"""


@pytest.fixture
def proxies() -> tuple[str, ...]:
    return ()


@pytest.fixture
def site(docker_site: Site) -> Site:
    """The site that is watched has Docker and two tasks, whose time has come."""
    docker_site.write("nap.yaml", NAP + TASKS)
    assert docker_site.conduit("apply", "--yes").code == 0
    sql(docker_site, "UPDATE tasks SET since = 1")
    return docker_site


def sql(site: Site, query: str) -> list[Any]:
    with closing(sqlite3.connect(site.directory / "keys" / "self.db", timeout=10)) as connection, connection:
        return connection.execute(query).fetchall()


def results(site: Site) -> dict[str, str]:
    return dict(sql(site, "SELECT name, result FROM tasks"))


@pytest.fixture
def started(docker: Callable[..., Ran]) -> Callable[[], str]:
    """`started()`: when the only container was started last."""
    return lambda: docker("inspect", "--format", "{{.State.StartedAt}}", docker("ps", "--quiet").stdout.strip()).stdout


def test_nothing_is_done_to_a_container_of_a_deployment_that_is_only_observed(
    site: Site, watching: Callable[..., Watch], wait_for: Callable[..., Any], started: Callable[[], str]
) -> None:
    before = started()
    loop = watching({"kinds": {"deployment": "observe"}})
    wait_for(lambda: results(site)["fresh"] == "ok", "what comes after it is done")
    assert (results(site)["again"], started()) == ("", before)
    assert loop.ended() == 143
    watching()
    wait_for(lambda: results(site)["again"] == "ok", "a loop that applies does it")
    assert started() != before


def test_a_task_waits_until_the_manifests_tell_what_its_subject_is_part_of(
    site: Site, watching: Callable[..., Watch], wait_for: Callable[..., Any], started: Callable[[], str]
) -> None:
    before = started()
    site.write("broken.yaml", "users: {ada\n")
    sql(site, "DELETE FROM beats")
    watching()
    wait_for(lambda: sql(site, "SELECT at FROM beats"), "the scheduler has begun")
    (site.desired / "broken.yaml").unlink()
    wait_for(lambda: results(site) == {"again": "ok", "fresh": "ok"}, "both are done, in rights that are known now")
    assert started() != before
