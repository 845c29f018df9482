"""Drift is told with its place and its age, and taken over into the manifest with every comment kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.sandbox.daemon import Daemon
from tests.conftest import Ran, Site
from tests.loop.conftest import Watch

TEXT = """\
# names in the house
dns_records:
  # the printer in the hall
  printer: {name: printer.home.arpa, value: 10.0.0.1}   # reserved in DHCP
services:
  web:
    upstream: "%s"  # the echo server
    response_headers:
      X-One: a   # why: see the wiki
"""


@pytest.fixture
def applied(site: Site, git: Callable[..., str], cli: Callable[..., Ran], upstream: Callable[..., Daemon]) -> str:
    """A committed and applied manifest; its text."""
    text = TEXT % upstream().address
    site.write("house.yaml", text)
    git("add", "desired")
    git("commit", "--quiet", "--message", "first")
    done = cli("apply", "--yes")
    assert done.code == 0, done
    return text


def by_hand(site: Site, old: str, new: str) -> None:
    """Change a record behind conduit's back."""
    hosts = Path(site.daemons["dnsmasq"].section["hosts_file"])
    hosts.write_text(hosts.read_text().replace(old, new))
    site.daemons["dnsmasq"].stop()
    site.daemons["dnsmasq"].start()


def caddy_by_hand(site: Site, run: Callable[..., Ran], old: str, new: str) -> None:
    """Change a text in Caddy's configuration behind conduit's back."""
    admin = site.daemons["caddy"].section["admin"].removeprefix("unix/")
    config = run("curl", "-sS", "--unix-socket", admin, "http://localhost/config/").stdout
    assert old in config
    words = ("-H", "Content-Type: application/json", "-d", config.replace(old, new), "http://localhost/load")
    assert run("curl", "-sSf", "--unix-socket", admin, *words).code == 0


def test_drift_tells_both_values_the_age_and_the_line(
    site: Site, applied: str, cli: Callable[..., Ran], watching: Callable[..., Watch], wait_for: Callable[..., Any]
) -> None:
    assert cli("drift", "--detailed-exitcode").code == 0
    watching({"mode": "observe", "interval": 1})
    by_hand(site, "10.0.0.1", "10.0.0.9")

    def told() -> dict[str, Any] | None:
        rows = json.loads(cli("drift", "--json").stdout)["drift"]
        return next((row for row in rows if row["address"] == "dns_record/printer" and row["since"]), None)

    row = wait_for(told, "the loop has seen the drift")
    assert (row["field"], row["live"], row["declared"]) == ("value", "10.0.0.9", "10.0.0.1")
    assert row["source"]["line"] == 4
    assert row["origin"] == "drift"
    shown = cli("drift", "--detailed-exitcode")
    assert shown.code == 3
    assert "10.0.0.9" in shown.stdout
    assert "house.yaml:4:45" in shown.stdout
    file = next(line for line in shown.stdout.splitlines() if line.startswith("frame/dnsmasq "))
    assert re.search(r" /\S+ was changed by hand +- ", file), "what is no value stands there as one"
    assert "just found" not in shown.stdout.split("dns_record/printer")[1].splitlines()[0]
    assert site.dig("printer.home.arpa") == ["10.0.0.9"]


def test_an_accepted_value_is_one_changed_line_and_the_diff_is_empty(
    site: Site, applied: str, cli: Callable[..., Ran], git: Callable[..., str], run: Callable[..., Ran]
) -> None:
    by_hand(site, "10.0.0.1", "10.0.0.9")
    caddy_by_hand(site, run, '["a"]', '["b"]')
    done = cli("accept", "dns_record/printer.value")
    assert done.code == 0, done
    accepted = applied.replace("value: 10.0.0.1", "value: 10.0.0.9")
    assert (site.desired / "house.yaml").read_text() == accepted
    assert git("diff", "--numstat", "HEAD~1").split()[:2] == ["1", "1"]
    done = cli("accept", "service/web")
    assert done.code == 0, done
    assert (site.desired / "house.yaml").read_text() == accepted.replace("X-One: a ", "X-One: b ")
    assert git("log", "-1", "--format=%s").strip() == "Accept response_headers.X-One of service/web as it is live"
    assert git("status", "--porcelain", "desired") == ""
    left = json.loads(cli("diff", "--json").stdout)["resource_changes"]
    assert [change["address"] for change in left if not change["address"].startswith("frame/")] == []


def test_a_field_is_accepted_by_its_declared_name(
    site: Site, applied: str, cli: Callable[..., Ran], run: Callable[..., Ran]
) -> None:
    """Regression: only the name that the part has for it was known, upstreams.0.address."""
    declared = applied.split('"')[1]
    caddy_by_hand(site, run, f'"{declared}"', '"127.0.0.9:9"')
    assert cli("accept", "service/web.up").code == 1
    done = cli("accept", "service/web.upstream")
    assert done.code == 0, done
    assert (site.desired / "house.yaml").read_text() == applied.replace(declared, "127.0.0.9:9")


def test_accept_check_shows_the_edit_and_writes_nothing(
    site: Site, applied: str, cli: Callable[..., Ran], git: Callable[..., str]
) -> None:
    by_hand(site, "10.0.0.1", "10.0.0.9")
    head = git("rev-parse", "HEAD")
    shown = cli("accept", "dns_record/printer.value", "--check")
    assert shown.code == 0, shown
    changed = [line for line in shown.stdout.splitlines() if line[:1] in "+-"]
    before = "  printer: {name: printer.home.arpa, value: 10.0.0.1}   # reserved in DHCP"
    assert changed[:2] == ["--- a/desired/house.yaml", "+++ b/desired/house.yaml"]
    assert changed[2:] == [f"-{before}", f"+{before.replace('0.0.1}', '0.0.9}')}"]
    assert ((site.desired / "house.yaml").read_text(), git("rev-parse", "HEAD")) == (applied, head)
    told = cli("accept", "dns_record/printer.value", "--diff")
    assert told.stdout.startswith(shown.stdout)
    assert "Accepted: desired/house.yaml" in told.stdout
    assert "10.0.0.9" in (site.desired / "house.yaml").read_text()


def test_accept_tells_json_of_what_it_wrote(site: Site, applied: str, cli: Callable[..., Ran]) -> None:
    """It printed a sentence where JSON was asked for."""
    by_hand(site, "10.0.0.1", "10.0.0.9")
    for words, saved in (["--check"], False), ([], True):
        told = json.loads(cli("accept", "dns_record/printer.value", *words, "--json").stdout)
        assert (told["type"], told["left"]) == ("accepted", ["frame/dnsmasq"])
        assert (told["file"], told["saved"], bool(told["commit"])) == ("desired/house.yaml", saved, saved)
        assert "+  printer: {name: printer.home.arpa, value: 10.0.0.9}" in told["diff"]


def test_a_file_that_the_next_apply_still_writes_is_told(
    site: Site, applied: str, cli: Callable[..., Ran], run: Callable[..., Ran]
) -> None:
    """Regression: the frame of dnsmasq stayed drift after an accept, and nothing said why or for how long."""
    caddy_by_hand(site, run, '["a"]', '["b"]')
    assert cli("accept", "service/web").stderr == ""
    by_hand(site, "10.0.0.1", "10.0.0.9")
    done = cli("accept", "dns_record/printer.value")
    assert "frame/dnsmasq stays drift until the next apply writes it" in done.stderr
    assert cli("drift", "--detailed-exitcode").code == 3
    assert cli("apply", "--yes").code == 0
    assert cli("drift", "--detailed-exitcode").code == 0
    assert site.dig("printer.home.arpa") == ["10.0.0.9"]


def test_what_has_no_way_back_is_refused_with_the_reason(
    site: Site, applied: str, cli: Callable[..., Ran], run: Callable[..., Ran]
) -> None:
    nothing = cli("accept", "dns_record/printer")
    assert (nothing.code, "CND-2211" in nothing.stderr) == (1, True)
    admin = site.daemons["caddy"].section["admin"].removeprefix("unix/")
    run("curl", "-sS", "--unix-socket", admin, "-X", "DELETE", "http://localhost/config/apps/http")
    gone = cli("accept", "service/web")
    assert (gone.code, "CND-2212" in gone.stderr) == (1, True), gone
    assert (site.desired / "house.yaml").read_text() == applied


def test_a_field_written_with_a_variable_is_not_overwritten(
    site: Site, git: Callable[..., str], cli: Callable[..., Ran]
) -> None:
    text = 'vars: {box: 10.0.0.1}\ndns_records:\n  printer: {name: printer.home.arpa, value: "{{ box }}"}\n'
    site.write("house.yaml", text)
    assert cli("apply", "--yes").code == 0
    by_hand(site, "10.0.0.1", "10.0.0.9")
    refused = cli("accept", "dns_record/printer.value")
    assert (refused.code, "CND-0133" in refused.stderr) == (1, True), refused
    assert (site.desired / "house.yaml").read_text() == text
