"""What the loop does with manifests that are cut short, broken, not committed or not yet at rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran, Site
from tests.loop.conftest import Watch

A, B = "10.0.0.1", "10.0.0.2"


def test_nothing_is_deleted_for_an_uncommitted_edit(
    site: Site,
    kept_in_git: Callable[..., Watch],
    records: Callable[..., Path],
    wait_for: Callable[..., Any],
    git: Callable[..., str],
) -> None:
    loop = kept_in_git(one=A, two=A)
    records(one=B)
    wait_for(lambda: site.dig("one.home.arpa") == [B], "the uncommitted change is live")
    wait_for(lambda: loop.heard("STATUS=1 resource, 1 change held back"), "the deletion waits")
    assert site.dig("two.home.arpa") == [A]
    git("commit", "--quiet", "--all", "--message", "second")
    wait_for(lambda: site.dig("two.home.arpa") == [], "committed, it is deleted")


def test_an_empty_or_broken_tree_never_reaches_a_daemon(
    site: Site, kept_in_git: Callable[..., Watch], wait_for: Callable[..., Any], git: Callable[..., str]
) -> None:
    loop = kept_in_git(one=A, two=A)
    path = site.desired / "records.yaml"
    whole = path.read_text()
    for text, code in (
        (f"<<<<<<< ours\n{whole}=======\n>>>>>>> theirs\n", "CND-0103"),
        (whole.replace("value", "valeu"), "CND-0201"),
        (whole + "dns_records: {}\n", "CND-0105"),
    ):
        path.write_text(text)
        wait_for(lambda code=code: code in {line["code"] for line in loop.lines("failed")}, code)
    path.unlink()
    git("commit", "--quiet", "--all", "--message", "gone")
    wait_for(lambda: "CND-0401" in {line["code"] for line in loop.lines("failed")}, "a mass deletion is refused")
    assert site.dig("one.home.arpa") == site.dig("two.home.arpa") == [A]
    path.write_text(whole.replace(A, B))
    wait_for(lambda: site.dig("one.home.arpa") == [B], "a whole tree is applied again")


OLD = "dns_records:\n  one: {name: one.home.arpa, value: 10.0.0.1}\n  two: {name: two.home.arpa, value: 10.0.0.1}\n"


NEW = OLD.replace(".0.1}", ".0.200}")


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(900)])])
def test_y7_a_half_written_file_is_never_applied(
    site: Site, watching: Callable[..., Watch], wait_for: Callable[..., Any], step: int
) -> None:
    """The file is cut at every offset, and rests there for half as long as a file has to rest.

    On a machine that is busy it may rest longer: then it is refused, or what it lacks is kept.
    """
    path = site.write("records.yaml", OLD)
    loop = watching()
    wait_for(lambda: site.dig("two.home.arpa") == ["10.0.0.1"], "applied")
    texts = [OLD, NEW]
    for number, offset in enumerate(range(0, len(NEW), step)):
        text = texts[(number + 1) % 2]
        with path.open("wb", buffering=0) as file:
            file.write(text[:offset].encode())
            time.sleep(0.05)
            file.write(text[offset:].encode())
    last = texts[(number + 1) % 2]
    wanted = "10.0.0.1" if last == OLD else "10.0.0.200"
    wait_for(lambda: site.dig("two.home.arpa") == [wanted] == site.dig("one.home.arpa"), "the last text is live")
    plans = [line["changes"] for line in loop.lines("plan")[1:] if line["changes"]]
    updates = [changes for changes in plans if "delete" not in changes.values()]
    assert all(set(changes.values()) == {"update"} for changes in updates)
    assert all(set(changes) <= {"dns_record/one", "dns_record/two", "frame/dnsmasq"} for changes in plans)
    assert all(set(line["outcomes"]) <= {"ok"} for line in loop.lines("applied"))


@pytest.mark.parametrize(
    "value", ["10.0.", "10.0.0.256", "", '"10.0.0.2'], ids=["cut", "too large", "gone", "open quote"]
)
def test_a_half_written_value_never_reaches_a_daemon_however_long_it_rests(
    site: Site, kept: Callable[..., Watch], wait_for: Callable[..., Any], value: str
) -> None:
    loop = kept(one=A)
    path = site.desired / "records.yaml"
    whole = path.read_text()
    path.write_text(whole[: whole.index(A)] + value)
    wait_for(lambda: loop.lines("failed"), "it is refused")
    assert site.dig("one.home.arpa") == [A]
    path.write_text(whole.replace(A, B))
    wait_for(lambda: site.dig("one.home.arpa") == [B], "whole again, it is applied")
    wait_for(
        lambda: [set(line["outcomes"]) for line in loop.lines("applied")] == [{"ok"}] * 2, "nothing else was applied"
    )


def test_outside_git_nothing_is_deleted_before_the_manifests_have_rested(
    site: Site, kept: Callable[..., Watch], records: Callable[..., Path], wait_for: Callable[..., Any]
) -> None:
    loop = kept(one=A, two=A)
    records(one=B)
    wait_for(lambda: site.dig("one.home.arpa") == [B], "the change is live")
    assert site.dig("two.home.arpa") == [A]
    wait_for(lambda: loop.heard("STATUS=1 resource, 1 change held back"), "the deletion waits")
    wait_for(lambda: site.dig("two.home.arpa") == [], "rested, it is deleted")


def test_only_what_is_committed_counts_when_settings_say_so(
    site: Site,
    kept_in_git: Callable[..., Watch],
    records: Callable[..., Path],
    wait_for: Callable[..., Any],
    git: Callable[..., str],
    cli: Callable[..., Ran],
) -> None:
    kept_in_git({"source": "commit", "interval": 1}, one=A, two=A)
    records(one=B)
    site.write("broken.yaml", "dns_records: [")
    assert cli("diff", "--detailed-exitcode").code == 0
    assert site.dig("one.home.arpa") == site.dig("two.home.arpa") == [A]
    (site.desired / "broken.yaml").unlink()
    git("commit", "--quiet", "--all", "--message", "second")
    wait_for(lambda: site.dig("one.home.arpa") == [B] and site.dig("two.home.arpa") == [], "committed, it counts")
