"""L2 on a served site: while its audit trail cannot be written, or was changed, nothing is done and reading goes on."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_world import KEY, make_served

from conduit.sandbox.machine import wait_for
from tests.audit.conftest import fill_up
from tests.conftest import missing


@pytest.fixture
def recorded(served: Any) -> Any:
    """A served site with twenty entries in its trail."""
    assert served.register("recorded", overwrite=True)["ok"]
    while served.api("GET", "/api/audit?limit=1").json()["total"] < 20:
        assert served.api("POST", "/api/dns/flush").status_code == 200
    return served


def segment(served: Any) -> Path:
    """Return the segment that is written to."""
    return trail(served)[-1]


@contextmanager
def changed(served: Any, change: Callable[[list[bytes]], list[bytes]]) -> Iterator[None]:
    """Let somebody change the lines of the newest segment, and put them back afterwards."""
    path = segment(served)
    good = path.read_bytes()
    path.write_bytes(b"".join(change(good.splitlines(keepends=True))))
    try:
        yield
    finally:
        path.write_bytes(good)


def refuses(served: Any, code: str) -> None:
    """Assert that every change is refused and has no effect, and that reading goes on."""
    body = {"name": "unlogged", "host": served.echo}
    answers = [
        served.api("POST", "/api/services", body),
        served.api("DELETE", "/api/services/recorded"),
        served.api("POST", "/api/dns/flush"),
        served.api("POST", "/api/apply"),
        served.api("PUT", "/api/resources/services/unlogged", {}, headers={"If-None-Match": "*"}),
    ]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(503, code)] * 5
    assert served.dig("unlogged.home.arpa") == []
    assert served.dig("recorded.home.arpa") != []
    assert not (served.desired / "services" / "unlogged.yaml").exists()
    for path in ("/api/services", "/api/audit", "/api/audit/events", "/api/diff", "/api/status"):
        assert served.api("GET", path).status_code == 200, path
    ended = served.conduit("suspend")
    assert (ended.code, code in ended.stderr) == (6, True)


CHANGES: dict[str, tuple[Callable[[list[bytes]], list[bytes]], int]] = {
    "a line edited": (lambda lines: [*lines[:4], lines[4].replace(b'"seq":5', b'"seq":6'), *lines[5:]], 5),
    "two lines swapped": (lambda lines: [*lines[:6], lines[7], lines[6], *lines[8:]], 7),
    "the last ten cut": (lambda lines: lines[:-10], -9),
    "truncated in a line": (lambda lines: [*lines[:9], lines[9][:40]], 10),
    "an older copy": (lambda lines: lines[:2], 3),
}


@pytest.mark.parametrize("name", CHANGES)
def test_l2_a_trail_that_was_changed_takes_no_more(recorded: Any, name: str) -> None:
    change, first = CHANGES[name]
    count = segment(recorded).read_bytes().count(b"\n")
    with changed(recorded, change):
        refuses(recorded, "CND-2102")
        broken = recorded.conduit("audit", "verify")
        assert broken.code == 1
        assert f"entry {first if first > 0 else count + first} " in broken.stderr
    assert recorded.conduit("audit", "verify").code == 0
    assert recorded.api("POST", "/api/dns/flush").status_code == 200, "put right, it goes on"


def test_l2_an_unwritable_trail_refuses_changes(recorded: Any) -> None:
    directory = recorded.directory / "state" / "audit"
    directory.rename(directory.with_name("aside"))
    directory.write_text("in the way")
    try:
        refused = recorded.api("POST", "/api/services", {"name": "unlogged", "host": recorded.echo})
        assert (refused.status_code, refused.json()["code"]) == (503, "CND-2101")
        assert recorded.dig("unlogged.home.arpa") == []
        for path in ("/api/services", "/api/status", "/api/diff"):
            assert recorded.api("GET", path).status_code == 200, path
        for path in ("/api/audit", "/api/audit/events"):
            assert recorded.api("GET", path).status_code == 503, "what cannot be read is not shown as empty"
    finally:
        directory.unlink()
        directory.with_name("aside").rename(directory)
    assert recorded.api("POST", "/api/dns/flush").status_code == 200
    assert recorded.conduit("audit", "verify").code == 0


def test_l2_a_full_disk_refuses_the_next_change(recorded: Any, run: Callable[..., Any]) -> None:
    """The trail moves to a disk of 3 MiB for as long as the test takes."""
    directory = recorded.directory / "state" / "audit"
    aside = directory.with_name("aside")
    directory.rename(aside)
    directory.mkdir(mode=0o700)
    if run("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(directory)).code:
        directory.rmdir()
        aside.rename(directory)
        missing("this user may not mount")
    try:
        assert run("cp", "-a", f"{aside}/.", str(directory)).code == 0
        assert recorded.api("POST", "/api/dns/flush").status_code == 200
        fill_up(directory / "filler")
        statuses = [recorded.api("POST", "/api/dns/flush").status_code for _ in range(12)]
        assert statuses[0] == 200, "the reserve of space takes the entry of a change that was begun"
        (directory / "reserve").unlink(missing_ok=True)
        fill_up(directory / "more")
        refuses(recorded, "CND-2101")
        assert recorded.conduit("audit", "verify").code == 0
        for name in ("filler", "more"):
            (directory / name).unlink()
        assert recorded.api("POST", "/api/dns/flush").status_code == 200, "with space it goes on"
        assert recorded.conduit("audit", "verify").code == 0
        assert run("cp", "-a", f"{directory}/.", str(aside)).code == 0
    finally:
        run("umount", "-l", str(directory))
        directory.rmdir()
        aside.rename(directory)
    assert recorded.conduit("audit", "verify").code == 0


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.soak)])
def test_what_was_answered_is_in_the_trail_whenever_the_server_is_killed(kills: int) -> None:
    answered: list[str] = []
    with make_served() as site:
        for _ in range(kills):
            threads = [threading.Thread(target=flush, args=(site, answered)) for _ in range(4)]
            for thread in threads:
                thread.start()
            enough = len(answered) + 12
            wait_for(lambda enough=enough: len(answered) >= enough, "some changes are answered")
            os.kill(site.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
            assert site.conduit("audit", "verify").code == 0
            site.serve()
        lines = [line for path in trail(site) for line in path.read_text().splitlines()]
        recorded = {json.loads(line)["data"].get("asked", {}).get("request") for line in lines}
        assert set(answered) <= recorded
        assert site.api("POST", "/api/dns/flush").status_code == 200
        assert site.conduit("audit", "verify").code == 0


def flush(site: Any, answered: list[str]) -> None:
    """Change something again and again until the server is gone; note the request of each answer."""
    with httpx.Client(base_url=site.url, headers={"X-API-Key": KEY}, timeout=20) as client:
        try:
            while True:
                answer = client.post("/api/dns/flush")
                assert answer.status_code == 200, answer.text
                answered.append(answer.headers["x-request-id"])
        except httpx.TransportError:
            return


def trail(site: Any) -> list[Path]:
    """Return the segments of the trail."""
    return sorted((site.directory / "state" / "audit").glob("*.jsonl"))
