"""The audit trail at the command line: what people do is in it, and what it prints steers no terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.audit.act import FAILURE, Act
from conduit.audit.trail import Trail
from conduit.manifests.settings_file import read_settings
from tests.conftest import ROOT
from tests.failing import at

SERVICE = "services:\n  wiki: {upstream: 10.0.0.5:80}\n"
NASTY = 'x\n{"event":"login"}\x1b[31m\u202e'


def entries(site: Any) -> list[dict[str, Any]]:
    """Return every line of the trail, as a program that knows nothing of conduit reads it."""
    segments = sorted((site.directory / "state" / "audit").glob("*.jsonl"))
    return [json.loads(line) for segment in segments for line in segment.read_text().splitlines()]


def trail_of(site: Any) -> Trail:
    return Trail(read_settings(site.settings_file))


def test_what_changes_the_machine_is_recorded_under_the_login(site: Any, cli: Callable[..., Any]) -> None:
    site.write("wiki.yaml", SERVICE)
    assert cli("diff").code == 0
    assert cli("apply", "--check").code == 0
    assert entries(site) == [], "looking is not recorded"
    shown = json.loads(cli("diff", "--json").stdout)
    assert cli("apply", "--yes", "--no-prove").code == 0
    (entry,) = entries(site)
    data = entry["data"]
    assert (entry["event"], data["user"], data["sort"], data["status"]) == ("apply", _login(), "user", "success")
    assert data["asked"]["path"] == "conduit apply"
    assert (data["details"]["run"], data["details"]["digest"]) == (1, shown["plan_digest"])
    assert data["details"]["outcomes"]["ok"] >= 2
    assert cli("apply", "--yes", "--no-prove").code == 0
    assert len(entries(site)) == 1, "an apply that changes nothing is not recorded"


def _login() -> str:
    number = int(Path("/proc/self/loginuid").read_text())
    argv = ["id", "-un", *([str(number)] if number != 2**32 - 1 else [])]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def test_secrets_and_suspensions_are_recorded_without_the_secret(site: Any, cli: Callable[..., Any]) -> None:
    assert cli("secret", "set", "wiki", input="canary-12").code == 0
    assert cli("suspend", "--reason", "moving").code == 0
    assert cli("suspend", "--until", "nonsense").code == 64
    assert cli("resume").code == 0
    assert cli("secret", "rm", "wiki").code == 0
    found = [(each["event"], each["data"]["status"]) for each in entries(site)]
    ok, bad = "success", "failure"
    assert found == [("secret_set", ok), ("suspend", ok), ("suspend", bad), ("resume", ok), ("secret_rm", ok)]
    assert "canary" not in json.dumps(entries(site))


@pytest.mark.parametrize(("point", "count"), [("audit.before", 0), ("audit.after", 1)])
def test_a_kill_around_an_entry_leaves_a_trail_that_goes_on(
    site: Any, cli: Callable[..., Any], point: str, count: int
) -> None:
    killed = cli("suspend", env=at(point))
    assert killed.code == -signal.SIGKILL
    assert len(entries(site)) == count
    assert cli("audit", "verify").code == 0
    assert cli("resume").code == 0
    assert len(entries(site)) == count + 1
    assert cli("audit", "verify").code == 0


def test_a_run_that_was_killed_is_recorded_by_the_next_one(site: Any, cli: Callable[..., Any]) -> None:
    site.write("wiki.yaml", SERVICE)
    killed = cli("apply", "--yes", env=at("apply.committed"))
    assert killed.code == -signal.SIGKILL
    assert entries(site) == []
    for _ in range(2):
        assert cli("apply", "--yes", "--no-prove").code == 0
    first, *rest = entries(site)
    assert (first["event"], first["data"]["status"], first["data"]["details"]) == ("run_killed", "failure", {"run": 1})
    assert first["data"]["message"].startswith("run 1 (apply, started ")
    assert "run_killed" not in [each["event"] for each in rest]


def test_what_cannot_be_recorded_is_not_done(site: Any, cli: Callable[..., Any]) -> None:
    site.write("wiki.yaml", SERVICE)
    (site.directory / "state" / "audit").parent.mkdir(exist_ok=True)
    (site.directory / "state" / "audit").write_text("in the way")
    for words in (["apply", "--yes"], ["secret", "set", "x"], ["suspend"], ["rollback", "HEAD", "--yes"]):
        ended = cli(*words, input="x")
        assert (ended.code, "CND-2101" in ended.stderr) == (1 if words[0] == "rollback" else 6, words[0] != "rollback")
    assert site.dig("wiki.home.arpa") == []
    assert "x" not in cli("secret", "list").stdout
    assert cli("diff").code == 0, "looking goes on"


def test_verify_names_the_first_bad_entry(site: Any, cli: Callable[..., Any]) -> None:
    assert cli("audit", "verify").stdout == "The audit trail holds: it has no entries yet.\n"
    for number in range(4):
        assert cli("suspend", "--reason", f"number {number}").code == 0
    assert cli("audit", "verify").stdout == "The audit trail holds: entries 1 to 4, signed up to 0.\n"
    (segment,) = trail_of(site).chain.segments()
    segment.write_text(segment.read_text().replace("number 2", "number 7"))
    broken = cli("audit", "verify")
    assert broken.code == 1
    assert f"{segment}:3: entry 3 was changed" in broken.stderr
    assert "CND-2107" in broken.stderr
    refused = cli("suspend")
    assert (refused.code, "CND-2102" in refused.stderr) == (6, True)
    assert cli("audit", "list").code == 0
    assert cli("audit", "seal", "--aside", "I did it").code == 0
    assert cli("audit", "verify").code == 0
    assert cli("suspend").code == 0


def test_a_key_that_is_gone_is_told_and_not_made_anew(site: Any, cli: Callable[..., Any]) -> None:
    for _ in range(2):
        assert cli("suspend").code == 0
    key = trail_of(site).head.path.with_name("audit.key")
    key.unlink()
    told = cli("audit", "verify")
    assert (told.code, f"{key} is missing" in told.stderr) == (1, True)
    assert cli("suspend").code == 6
    assert cli("audit", "list").code == 0
    assert not key.exists()
    assert cli("audit", "seal", "--aside", "the key is lost").code == 0
    assert cli("audit", "verify").stdout == "The audit trail holds: entries 3 to 3, signed up to 3.\n"


def test_the_public_key_verifies_a_copy_without_any_settings(
    site: Any, cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("suspend").code == 0
    assert cli("audit", "anchor").code == 0
    pem = tmp_path / "conduit.pem"
    pem.write_text(cli("audit", "key").stdout)
    nowhere = {"CONDUIT_CONFIG": str(tmp_path / "none.yaml")}
    words = ("audit", "verify", "--public-key", str(pem), "--trail", str(site.directory / "state" / "audit"))
    told = cli(*words, env=nowhere)
    assert (told.code, told.stdout) == (0, "The audit trail holds: entries 1 to 1, signed up to 1.\n"), told
    other = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "pkey", "-pubout"], input=other, capture_output=True, check=True).stdout
    pem.write_bytes(public)
    assert cli(*words, env=nowhere).code == 1
    pem.write_text("no key")
    assert "CND-2104" in cli(*words, env=nowhere).stderr


def test_l1_nothing_in_it_steers_a_terminal(site: Any, cli: Callable[..., Any]) -> None:
    trail_of(site).append(Act("login", FAILURE, NASTY, NASTY, NASTY))
    for words in (["audit", "list"], ["audit", "list", "--json"], ["audit", "export"]):
        shown = cli(*words)
        assert shown.code == 0, shown
        assert "\x1b" not in shown.stdout
        assert "\u202e" not in shown.stdout
    assert cli("audit", "list").stdout.count("\n") == 2
    assert len(entries(site)) == 1


FORMULAS = ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx"]


def test_w4_no_cell_of_the_csv_is_a_formula(site: Any, cli: Callable[..., Any]) -> None:
    trail = trail_of(site)
    for text in [*FORMULAS, 'a "quoted", one']:
        trail.append(Act("login", FAILURE, text, text, text))
    argv = [sys.executable, "-m", "conduit", "audit", "export", "--format", "csv"]
    environment = os.environ | {"CONDUIT_CONFIG": str(site.settings_file), "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(argv, capture_output=True, check=True, cwd=site.directory, env=environment)
    rows = list(csv.DictReader(io.StringIO(ended.stdout.decode(), newline="")))
    assert len(rows) == 7
    for row, text in zip(rows, FORMULAS, strict=False):
        assert [row["actor_id"], row["client_ip"], row["error_message"]] == [f"'{text}"] * 3
    assert rows[6]["actor_id"] == 'a "quoted", one'
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())


def test_the_export_is_one_json_array(site: Any, cli: Callable[..., Any]) -> None:
    assert json.loads(cli("audit", "export").stdout) == []
    for _ in range(3):
        assert cli("suspend").code == 0
    events = json.loads(cli("audit", "export").stdout)
    assert [(each["id"], each["action"]) for each in events] == [(n, "system_suspend.update") for n in (1, 2, 3)]


def test_sealing_begins_a_new_segment(site: Any, cli: Callable[..., Any]) -> None:
    for _ in range(2):
        assert cli("suspend").code == 0
        assert cli("audit", "seal").code == 0
        assert cli("audit", "seal").code == 0
    names = [segment.name for segment in trail_of(site).chain.segments()]
    assert names == ["000000000001.jsonl", "000000000002.jsonl", "000000000003.jsonl"]
    assert cli("audit", "verify").stdout == "The audit trail holds: entries 1 to 2, signed up to 2.\n"
