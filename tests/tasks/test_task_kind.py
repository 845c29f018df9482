"""Tasks as they are declared: what may be one, what self.db then holds, and what nobody schedules."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from conduit.providers.self_rows import FIRST, User
from conduit.providers.self_store import SelfStore
from tests.conftest import Site

ADA = "users:\n  ada: {role: operator}\n"
TASK = ADA + "tasks:\n  fresh:\n    schedule: '@daily'\n    action: {action}\n    subject: {subject}\n    run_as: ada\n"


@pytest.fixture
def proxies() -> tuple[str, ...]:
    """These tests need no proxy."""
    return ()


def task(action: str = "flush", subject: str = "frame/dnsmasq") -> str:
    return TASK.replace("{action}", action).replace("{subject}", subject)


@pytest.mark.parametrize(
    ("manifest", "code", "place", "hint"),
    [
        (task("rm -rf /"), "CND-2441", "tasks.yaml:6:13", "there are: flush"),
        (task("'flush; id'"), "CND-2441", "tasks.yaml:6:13", 'did you mean "flush"?'),
        (task("flsh"), "CND-2441", "tasks.yaml:6:13", 'did you mean "flush"?'),
        (task("password", "user/ada"), "CND-2441", "tasks.yaml:6:13", "there are: revoke"),
        (task("run", "command/ls"), "CND-2441", "tasks.yaml:6:13", "there are: none"),
        (task("flush", "frame/dnsmask"), "CND-2442", "tasks.yaml:7:14", 'did you mean "dnsmasq"?'),
        (task("revoke", "user/eve"), "CND-0302", "tasks.yaml:5:5", "declared"),
        (task().replace("run_as: ada", "run_as: eve"), "CND-0302", "tasks.yaml:5:5", "declared"),
        (task().replace("@daily", "@reboot"), "CND-02", "tasks.yaml:5:15", "five fields"),
        (task() + "    timezone: Mars/Olympus\n", "CND-02", "tasks.yaml:9:15", "IANA"),
        (task() + "    command: id\n", "CND-02", "tasks.yaml:9:5", ""),
    ],
)
def test_s5_what_is_no_operation_is_refused_at_its_place(
    site: Site, manifest: str, code: str, place: str, hint: str
) -> None:
    site.write("tasks.yaml", manifest)
    site.up()
    done = site.conduit("validate")
    assert done.code == 1
    assert code in done.stderr + done.stdout
    assert place in done.stderr + done.stdout
    assert hint in done.stderr + done.stdout


def test_a_task_that_nobody_runs_says_so(site: Site) -> None:
    site.write("tasks.yaml", task())
    site.up()
    assert site.conduit("apply", "--yes").code == 0
    assert "not scheduled: nothing runs `conduit serve`" in site.conduit("get", "task/fresh").stdout
    assert "not scheduled: nothing runs `conduit serve`" in site.conduit("status", "task/fresh").stdout
    (found,) = json.loads(site.conduit("get", "task/fresh", "-o", "json").stdout)["objects"]
    assert found["status"]["next_run"] is None
    assert not found["status"]["scheduled"]
    assert site.conduit("diff", "--detailed-exitcode").code == 0


def test_a_database_from_before_there_were_tasks_takes_them(directory: Path) -> None:
    path = directory / "keys" / "self.db"
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"{FIRST} PRAGMA user_version = 1;")
        connection.execute("INSERT INTO roles VALUES ('cook', '[]', '')")
        connection.commit()
    path.chmod(0o600)
    for _ in range(2):
        store = SelfStore(path, directory / "state" / "self.tally")
        assert store.rows(User) == []
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (2,)
            assert connection.execute("SELECT name FROM roles").fetchall() == [("cook",)]
            assert connection.execute("SELECT * FROM tasks").fetchall() == []
