"""What the loop does by itself is in the audit trail, or is not done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.conftest import Site
from tests.loop.conftest import Watch

A, B = "10.0.0.1", "10.0.0.2"


def test_the_loop_changes_nothing_that_it_cannot_record(
    site: Site, kept: Callable[..., Watch], records: Callable[..., Path], wait_for: Callable[..., Any]
) -> None:
    loop = kept({"interval": 1}, one=A)
    trail = site.directory / "state" / "audit"
    trail.rename(trail.with_name("aside"))
    trail.write_text("in the way")
    records(one=B)
    wait_for(lambda: "CND-2101" in [line["code"] for line in loop.lines("failed")], "the loop says why it does nothing")
    assert site.dig("one.home.arpa") == [A]
    trail.unlink()
    trail.with_name("aside").rename(trail)
    wait_for(lambda: site.dig("one.home.arpa") == [B], "it is applied once it can be recorded")
    assert loop.ended() == 143
    (segment,) = trail.glob("*.jsonl")
    found = [json.loads(line)["data"] for line in segment.read_text().splitlines()]
    assert [(each["action"], each["user"], each["sort"]) for each in found] == [
        ("system_apply.update", "conduit", "system")
    ] * 2
    assert [each["details"]["run"] for each in found] == [1, 2]


def test_the_head_of_the_trail_is_anchored_in_git(
    site: Site, kept_in_git: Callable[..., Watch], git: Callable[..., str]
) -> None:
    kept_in_git(one=A)
    assert site.conduit("audit", "seal").code == 0
    told = json.loads(git("log", "-1", "--format=%B", "refs/conduit/audit"))
    assert (told["what"], told["entry"]) == ("checkpoint", 1)
    assert git("log", "--format=%s", "--branches").split() == ["first"]
    trail = site.directory / "state" / "audit" / "000000000001.jsonl"
    assert json.loads(trail.read_text())["hash"] == told["hash"]
