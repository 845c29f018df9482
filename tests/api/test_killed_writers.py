"""R6: whenever the server is killed, an edit that was acknowledged is one commit, live and recorded, and none is there
twice."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import httpx
import pytest
from api_world import KEY, make_served

from conduit.sandbox.machine import wait_for

SOAK = [pytest.mark.soak, pytest.mark.timeout(3600)]
QUICK = 2
SECONDS = 2.0
"""How long a server lives in the long run, once it answers."""


class Writing:
    """Writers at work: what was acknowledged, and what nobody knows of because the server died meanwhile."""

    def __init__(self, site: Any, writers: int, edits: int) -> None:
        self.site, self.edits = site, edits
        self.acknowledged: list[str] = []
        self.unknown: list[str] = []
        self._up, self._over = threading.Event(), threading.Event()
        self._up.set()
        pool = ThreadPoolExecutor(writers)
        self.tasks = [pool.submit(self._write, number) for number in range(writers)]

    def __enter__(self) -> Writing:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    @property
    def done(self) -> bool:
        return all(task.done() for task in self.tasks)

    def kill(self) -> None:
        """Kill the server and start it again."""
        self._up.clear()
        os.kill(self.site.pid, signal.SIGKILL)
        self.site.serve()
        self._up.set()

    def _write(self, number: int) -> None:
        path = f"/api/resources/dns_record/writer{number}"
        client = httpx.Client(base_url=self.site.url, headers={"X-API-Key": KEY}, timeout=120, verify=False)
        for turn in range(self.edits):
            value = f"10.{number + 1}.{turn // 250}.{turn % 250 + 1}"
            while not (self._over.is_set() or (self._up.wait(1) and self._edited(client, path, value))):
                pass

    def _edited(self, client: httpx.Client, path: str, value: str) -> bool:
        """Edit once; False when the server died before it was asked to."""
        try:
            version = client.get(path).headers["etag"]
        except (httpx.TransportError, KeyError):
            return False
        try:
            answer = client.patch(path, json={"value": value}, headers={"If-Match": version})
        except httpx.TransportError:
            self.unknown.append(value)
            return True
        assert answer.status_code == 200, answer.text
        self.acknowledged.append(value)
        return True


@pytest.fixture
def committed(writers: int) -> Iterator[Any]:
    """A served site whose manifests, a record for each writer, are in git."""
    with make_served() as site:
        for number in range(writers):
            row = f"writer{number}: {{name: writer{number}.home.arpa, value: 10.0.0.1}}"
            site.write(f"dns_records/writer{number}.yaml", f"dns_records:\n  {row}\n")
        for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "by hand"]):
            git(site, "-c", "user.name=anna", "-c", "user.email=anna@home.arpa", *words)
        assert site.api("POST", "/api/apply").json()["ok"]
        yield site


def git(site: Any, *words: str) -> str:
    done = site.program("git", "-C", str(site.desired), *words)
    assert done.code == 0, done
    return str(done.stdout)


def kill_again_and_again(writing: Writing, kills: int) -> None:
    """Kill the server so many times, each time after another edit was acknowledged; at most until all are made."""
    for number in range(kills):
        wait(writing.tasks, timeout=SECONDS if kills > QUICK else 0)
        wait_for(lambda number=number: writing.done or len(writing.acknowledged) > number, "edits go on", deadline=120)
        if writing.done:
            return
        writing.kill()


@pytest.mark.parametrize(("writers", "edits", "kills"), [(4, 6, QUICK), pytest.param(32, 100, 10_000, marks=SOAK)])
def test_r6_no_acknowledged_edit_is_lost_when_the_server_is_killed(
    committed: Any, writers: int, edits: int, kills: int
) -> None:
    head = git(committed, "rev-parse", "HEAD").strip()
    with Writing(committed, writers, edits) as writing:
        kill_again_and_again(writing, kills)
        for task in writing.tasks:
            task.result(600)
    assert committed.api("POST", "/api/apply").json()["ok"]
    values = re.findall(r"^\+.*value: ([0-9.]+)", git(committed, "log", "-p", f"{head}.."), re.MULTILINE)
    assert set(Counter(values).values()) == {1}
    assert set(writing.acknowledged) <= set(values) <= {*writing.acknowledged, *writing.unknown}
    assert git(committed, "rev-list", "--min-parents=2", "HEAD") == ""
    assert git(committed, "status", "--porcelain") == ""
    git(committed, "fsck", "--strict")
    newest = {value.split(".")[1]: value for value in reversed(values)}
    for number in range(writers):
        assert committed.dig(f"writer{number}.home.arpa") == [newest[str(number + 1)]]
    assert committed.conduit("audit", "verify").code == 0
    recorded = {entry["details"].get("commit") for entry in trail(committed)}
    commits = set(git(committed, "rev-list", f"{head}..").split())
    assert len(commits & recorded) >= len(writing.acknowledged)


def trail(site: Any) -> list[dict[str, Any]]:
    """The entries of the audit trail."""
    segments = sorted((site.directory / "state" / "audit").glob("*.jsonl"))
    return [json.loads(line)["data"] for segment in segments for line in segment.read_text().splitlines()]
