"""Writers at once: every edit that was acknowledged is one commit, is live, and nothing else is there."""

from __future__ import annotations

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import httpx
from figure import Figure
from job import DOMAIN
from served import KEY, Served, serving

WRITERS: Final = 32
EDITS: Final = 100
REFUSED: Final = frozenset((409, 412))
"""What an edit may be refused with: somebody else was first."""


class Race(NamedTuple):
    """What became of every edit: the seconds of all, the values acknowledged and committed, and other answers."""

    seconds: float
    acknowledged: Counter[str]
    committed: Counter[str]
    statuses: Counter[int]
    live: bool

    @property
    def wrong(self) -> str:
        """Why the edits are not all accounted for; empty when they are."""
        if unexpected := self.statuses.keys() - {200, 201, *REFUSED}:
            return f"answers of status {unexpected}"
        if lost := self.acknowledged - self.committed:
            return f"{lost.total()} acknowledged edits were lost, {next(iter(lost))} is one"
        if more := self.committed - self.acknowledged:
            return f"{more.total()} commits were never acknowledged, {next(iter(more))} is one"
        return "" if self.live else "what was acknowledged last is not what is live"


def race(writers: int, edits: int, *, one_file: bool) -> Race:
    """Let each writer edit a record of its own `edits` times, with the version it has just read.

    In one file all of them are after the same version, and most are refused.
    """
    names = [f"writer{number}" for number in range(writers)]
    records = {name: {"name": f"{name}.{DOMAIN}", "value": "10.0.0.1"} for name in names}
    with serving(0, dns_records={} if one_file else records) as world:
        if one_file:
            world.write_all("dns_records", records)
            world.git("add", "desired")
            world.git("commit", "--quiet", "--message", "records")
            assert world.client.post("/api/apply").json()["ok"]
        head = world.git("rev-parse", "HEAD").strip()
        begun = time.monotonic()
        with ThreadPoolExecutor(writers) as pool:
            told = [pair for pairs in pool.map(lambda name: _write(world, name, edits), names) for pair in pairs]
        seconds = time.monotonic() - begun
        last = {name: value for name, value, status in told if status == 200}
        live = all(world.address(name) == last.get(name, "10.0.0.1") for name in names)
        history = world.git("log", "--patch", "--format=", f"{head}..")
    added = re.findall(r"^\+.*value: ?([0-9.]+)", history, re.MULTILINE)
    acknowledged = Counter(value for _, value, status in told if status == 200)
    return Race(seconds, acknowledged, Counter(added), Counter(status for _, _, status in told), live)


def _write(world: Served, name: str, edits: int) -> list[tuple[str, str, int]]:
    """Edit one record again and again; return its name, each value and how that was answered."""
    number, path = int(name.removeprefix("writer")), f"/api/resources/dns_record/{name}"
    found = []
    with httpx.Client(base_url=world.url, headers={"X-API-Key": KEY}, timeout=300, trust_env=False) as client:
        for turn in range(edits):
            value = f"10.{number + 1}.{turn // 250}.{turn % 250 + 1}"
            version = client.get(path).headers["etag"]
            answer = client.patch(path, json={"value": value}, headers={"If-Match": version})
            found.append((name, value, answer.status_code))
    return found


def writers() -> list[Figure]:
    """Let `WRITERS` make `EDITS` each, in files of their own and all in one. Ends the program when one is lost."""
    figures = []
    for one_file in (False, True):
        done = race(WRITERS, EDITS, one_file=one_file)
        if done.wrong:
            raise SystemExit(done.wrong)
        where = "of one file" if one_file else "of a file each"
        refused = done.statuses[412] + done.statuses[409]
        beside = f"{done.acknowledged.total():,} acknowledged and committed, {refused:,} refused as stale, none lost"
        what = f"{WRITERS} writers, {EDITS} edits each {where}"
        figures.append(Figure(what, WRITERS, done.seconds, " s", None, beside))
    return figures
