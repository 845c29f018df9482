"""One test per exit code of docs/exit-codes.md, on real daemons."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from conduit.lock import Lock
from tests.failing import at

WIKI = "services:\n  wiki:\n    upstream: 127.0.0.1:9\n    tls: off\n"
BLOG = WIKI + "  blog:\n    upstream: 127.0.0.1:9\n    tls: off\n"
Check = Callable[[Mapping[str, Any]], None]


@pytest.fixture
def applied(site: Any) -> Any:
    """A site whose one service is applied."""
    site.write("a.yaml", WIKI)
    done = site.conduit("apply", "--yes", "--no-prove", "-q")
    assert done.code == 0, done
    return site


def test_0_done_and_in_sync(applied: Any) -> None:
    assert applied.dig("wiki.home.arpa") == ["127.0.0.1"]
    done = applied.conduit("diff", "--detailed-exitcode")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.endswith("No changes. Live state matches desired/.\n")
    again = applied.conduit("apply", "--yes")
    assert again.code == 0
    assert again.stdout.endswith("No changes. Live state matches desired/.\n")


def test_1_a_wrong_key_touches_nothing_and_shows_where(site: Any) -> None:
    site.write("a.yaml", WIKI.replace("upstream", "upsteam"))
    for command in (["validate"], ["diff", "--detailed-exitcode"], ["apply", "--yes"]):
        done = site.conduit(*command)
        assert done.code == 1, done
        assert 'desired/a.yaml:3:5: error: unknown key "upsteam"' in done.stderr
        assert "     3 |     upsteam: 127.0.0.1:9\n       |     ^^^^^^^\n" in done.stderr
        assert 'did you mean "upstream"?' in done.stderr
        assert done.stdout == ""
    assert site.dig("wiki.home.arpa") == []


def test_1_too_many_deletions_are_refused_until_allowed(applied: Any) -> None:
    applied.write("a.yaml", "")
    shown = applied.conduit("diff")
    assert shown.code == 0
    assert "CND-0401" in shown.stdout
    refused = applied.conduit("apply", "--yes")
    assert refused.code == 1
    assert refused.stderr.count("[CND-0401]") == 1
    assert "[CND-0401]" not in refused.stdout
    assert applied.dig("wiki.home.arpa") == ["127.0.0.1"]
    (count,) = re.findall(r"use --allow-deletes (\d+)", refused.stderr)
    assert applied.conduit("apply", "--yes", "--allow-deletes", count).code == 0
    assert applied.dig("wiki.home.arpa") == []


def test_2_pending_and_an_unknown_origin(applied: Any) -> None:
    applied.write("a.yaml", BLOG)
    assert applied.conduit("diff").code == 0
    done = applied.conduit("diff", "--detailed-exitcode")
    assert done.code == 2, done
    assert "Plan: 2 to add, 0 to change" in done.stdout
    applied.write("a.yaml", WIKI)
    remove_route(applied, "wiki")
    (applied.directory / "state" / "records.db").unlink()
    done = applied.conduit("diff", "--detailed-exitcode")
    assert done.code == 2, done
    assert "DRIFT" not in done.stdout


def test_3_drift_of_the_host_is_told_from_pending(applied: Any) -> None:
    remove_route(applied, "wiki")
    done = applied.conduit("diff", "--detailed-exitcode")
    assert done.code == 3, done
    assert "DRIFT: changed on the host (not in git)" in done.stdout
    applied.write("a.yaml", BLOG)
    assert applied.conduit("diff", "--detailed-exitcode", "-q").code == 3


def test_4_a_failed_change_names_itself_and_the_rest_goes_on(site: Any, check_document: Check) -> None:
    site.write("a.yaml", WIKI)
    site.write("b.yaml", "services:\n  secure:\n    upstream: 127.0.0.1:9\n")
    done = site.conduit("apply", "--yes", "--no-prove", env=at("certs.issue.before", "eio"))
    assert done.code == 4, done
    assert "FAILED      certificate/secure" in done.stdout
    assert "next: conduit diff -t certificate/secure" in done.stdout
    assert site.dig("wiki.home.arpa") == ["127.0.0.1"]
    assert site.conduit("apply", "--yes", "--no-prove").code == 0


def test_5_a_held_lock_names_its_holder(site: Any) -> None:
    site.write("a.yaml", WIKI)
    with Lock(site.directory / "state" / "lock").hold("rehearsal"):
        done = site.conduit("apply", "--yes")
    assert done.code == 5, done
    assert "rehearsal" in done.stderr
    assert str(os.getpid()) in done.stderr


def test_5_a_stale_saved_plan_tells_what_moved_also_on_the_first_run(site: Any) -> None:
    site.write("a.yaml", WIKI)
    assert site.conduit("diff", "-o", "plan.json").code == 0
    site.write("a.yaml", BLOG)
    stale = site.conduit("apply", "plan.json")
    assert stale.code == 5, stale
    assert "route/blog is a new change" in stale.stderr
    assert site.dig("wiki.home.arpa") == []
    site.write("a.yaml", WIKI)
    assert site.conduit("apply", "plan.json", "--no-prove").code == 0
    assert site.dig("wiki.home.arpa") == ["127.0.0.1"]
    late = site.conduit("apply", "plan.json")
    assert late.code == 5
    assert "caddy has moved" in late.stderr


def test_6_an_unreadable_daemon_is_unknown_and_never_green(applied: Any) -> None:
    applied.daemons["caddy"].stop()
    done = applied.conduit("diff", "--detailed-exitcode")
    assert done.code == 6, done
    assert "? caddy" in done.stdout
    assert "UNKNOWN" in done.stdout
    assert "Live state matches" not in done.stdout
    assert applied.conduit("diff").code == 0
    skipped = applied.conduit("apply", "--yes", "--no-prove")
    assert skipped.code == 6, skipped


def test_7_a_failed_rollback_says_who_needs_a_person(applied: Any) -> None:
    settings = yaml.safe_load(applied.settings_file.read_text())
    settings["dnsmasq"]["process"]["start"] = ["/bin/false"]
    applied.settings_file.write_text(yaml.safe_dump(settings))
    applied.write("b.yaml", "dns_records:\n  note: {name: note.home.arpa, type: TXT, value: needs a restart}\n")
    done = applied.conduit("apply", "--yes", "--no-prove")
    assert done.code == 7, done
    assert "dnsmasq" in done.stderr
    assert "hint: " in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["no-such-command"],
        ["diff", "--no-such-option"],
        ["diff", "-t", "not-a-key"],
        ["get", "service"],
        ["get", "nothing"],
        ["apply"],
        ["apply", "plan.json", "-t", "service/wiki"],
        ["explain", "CND-9999"],
        ["explain", "nothing"],
        ["explain", "service.nothing"],
        ["schema", "nothing"],
        ["runs", "0"],
        ["secret", "nothing"],
        ["-C", "/no/such/directory", "diff"],
    ],
)
def test_64_words_that_no_command_takes(nowhere: Callable[..., Any], check_document: Check, words: list[str]) -> None:
    done = nowhere(*words)
    assert done.returncode == 64, done
    assert "error: " in done.stderr
    assert done.stdout == ""
    told = nowhere(*words, "--json") if words[0] != "secret" else nowhere("--json", *words)
    (problem,) = json.loads(told.stdout)["errors"]
    check_document(json.loads(told.stdout))
    assert (told.returncode, told.stderr, problem["code"]) == (64, "", "CND-1055")
    assert f"error: {problem['message']}\n" in done.stderr


def test_64_json_without_a_command(nowhere: Callable[..., Any]) -> None:
    done = nowhere("--json")
    assert (done.returncode, json.loads(done.stdout)["errors"][0]["message"]) == (64, "Missing command.")
    assert nowhere("exec", "app", "web", "--no-such-option", "--", "ls", "--json").stdout == ""


def test_64_a_target_that_does_not_exist(applied: Any) -> None:
    done = applied.conduit("diff", "-t", "service/wikki")
    assert done.code == 64, done
    assert 'service/wikki is neither declared nor live; did you mean "service/wiki"?' in done.stderr
    assert applied.conduit("status", "service/wikki").code == 64


def test_64_a_near_miss_is_named(nowhere: Callable[..., Any]) -> None:
    assert 'did you mean "apply"?' in nowhere("aply").stderr


def test_64_what_only_expands_is_told_to_be_live_as_something_else(nowhere: Callable[..., Any]) -> None:
    """It was said that there is no such kind, to whoever had just declared one."""
    done = nowhere("get", "service")
    assert (done.returncode, "a service is live as what it becomes" in done.stderr) == (64, True), done


def remove_route(site: Any, name: str) -> None:
    """Delete a route in Caddy behind conduit's back."""
    found = json.loads(site.conduit("get", f"route/{name}", "-o", "json").stdout)["objects"]
    socket = site.daemons["caddy"].address.removeprefix("unix/")
    argv = ["curl", "-sSf", "--unix-socket", socket, "-X", "DELETE", f"http://localhost/id/{found[0]['id']}"]
    subprocess.run(argv, check=True, timeout=10)
