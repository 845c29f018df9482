"""What a command prints: JSON of the published form, no escape bytes in a pipe, no secret anywhere, a closed pipe."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from conduit.cli.console import Console

ROOT = Path(__file__).parents[2]
WIKI = "services:\n  wiki:\n    upstream: 127.0.0.1:9\n    tls: off\n"
GUARDED = WIKI + "    basic_auth: {joe: {secret: joe}}\n"
CANARY = "canary-7c1f9a"
Check = Callable[[Mapping[str, Any]], None]


def test_every_json_output_fits_the_published_schema(
    site: Any, upstream: Callable[..., Any], check_document: Check
) -> None:
    site.write("a.yaml", WIKI.replace("127.0.0.1:9", upstream().address))
    commands = [
        ["diff"],
        ["apply", "--yes"],
        ["diff"],
        ["validate"],
        ["status"],
        ["get", "route"],
        ["kinds"],
        ["runs"],
        ["journal"],
        ["journal", "--verify"],
        ["doctor"],
        ["secret", "list"],
        ["sandbox", "status"],
        ["failpoints"],
        ["version"],
    ]
    for words in commands:
        done = site.conduit(*words, "--json")
        assert done.stderr == "", (words, done)
        for line in done.stdout.splitlines():
            check_document(json.loads(line))
    site.write("a.yaml", "services: {wiki: {upsteam: x}}\n")
    broken = site.conduit("--json", "diff")
    assert broken.code == 1
    check_document(json.loads(broken.stdout))


def test_the_progress_of_an_apply_is_json_lines(site: Any, upstream: Callable[..., Any]) -> None:
    site.write("a.yaml", WIKI.replace("127.0.0.1:9", upstream().address))
    done = site.conduit("apply", "--yes", "--json")
    types = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    assert types[:2] == ["version", "plan"]
    assert types[-1] == "report"
    assert {"started", "finished"} <= set(types[2:-1])


def test_no_secret_is_shown_stored_in_the_open_or_passed_on(site: Any) -> None:
    site.write("a.yaml", GUARDED)
    assert site.conduit("secret", "set", "joe", input=f"{CANARY}\n").code == 0
    assert site.conduit("secret", "list").stdout == "joe\n"
    texts = []
    for words in (
        ["diff", "-vv"],
        ["diff", "--json", "-o", "plan.json"],
        ["diff", "--markdown"],
        ["apply", "--yes", "--json", "-vv"],
        ["get", "route", "-o", "yaml"],
        ["get", "route", "--json"],
        ["status"],
        ["journal"],
        ["runs", "--json"],
    ):
        done = site.conduit(*words)
        assert done.code == 0, (words, done)
        texts += [done.stdout, done.stderr]
    assert "[secret joe]" in texts[0]
    texts += [p.read_bytes().decode("utf-8", "replace") for p in (site.directory / "state").rglob("*") if p.is_file()]
    texts.append((site.directory / "plan.json").read_text())
    assert not [text for text in texts if CANARY in text]
    assert not [text for text in texts if "$2a$" in text or "$2b$" in text]
    assert site.conduit("secret", "rm", "joe").code == 0
    assert site.conduit("secret", "list").stdout == ""


def test_an_escape_byte_reaches_a_pipe_only_by_force(site: Any) -> None:
    site.write("a.yaml", WIKI)
    for environment in ({}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, {"TERM": "xterm-256color", "COLUMNS": "40"}):
        done = site.conduit("diff", env=environment)
        assert done.code == 0
        assert "\x1b" not in done.stdout + done.stderr
    assert "\x1b[32m" in site.conduit("diff", env={"FORCE_COLOR": "1"}).stdout
    assert "\x1b" not in site.conduit("diff", "--no-color", env={"FORCE_COLOR": "1"}).stdout
    assert "\x1b" not in site.conduit("diff", env={"FORCE_COLOR": "1", "CONDUIT_NO_COLOR": "1"}).stdout


def test_an_argument_cannot_send_escape_bytes_back(nowhere: Callable[..., Any]) -> None:
    wrong = (["\x1b[2J"], ["diff", "-t", "\x1b[2J"], ["explain", "\x1b]0;x\x07"])
    for words, code in (*((each, 64) for each in wrong), (["--config", "\x1b[2J", "diff"], 1)):
        done = nowhere(*words)
        assert done.returncode == code, done
        assert "\x1b" not in done.stdout + done.stderr


def test_json_cannot_steer_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2J\x9b2J\u202egnp.exe"
    Console().document({"reason": hostile})
    shown = capsys.readouterr().out
    assert json.loads(shown) == {"reason": hostile}
    assert shown.strip().isprintable()
    assert shown.isascii()


def test_flags_have_variables_and_both_places(site: Any) -> None:
    site.write("a.yaml", WIKI)
    by_flag = site.conduit("diff", "-q").stdout
    assert by_flag.count("\n") == 1
    assert site.conduit("-q", "diff").stdout == by_flag
    assert site.conduit("diff", env={"CONDUIT_QUIET": "1"}).stdout == by_flag
    assert site.conduit("diff", env={"CONDUIT_DIFF_DETAILED_EXITCODE": "1"}).code == 2
    assert json.loads(site.conduit("diff", env={"CONDUIT_JSON": "1"}).stdout)["type"] == "plan"


def test_a_closed_pipe_stops_no_apply(site: Any) -> None:
    site.write("a.yaml", WIKI)
    running = conduit(site, "apply", "--yes", "--no-prove", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    running.stdout.close()
    _, told = running.communicate(timeout=60)
    assert (running.returncode, told) == (0, b"")
    assert site.dig("wiki.home.arpa") == ["127.0.0.1"]


def test_a_locale_without_arrows_is_no_error(site: Any) -> None:
    site.write("a.yaml", WIKI)
    assert site.conduit("apply", "--yes", "--no-prove").code == 0
    site.write("a.yaml", WIKI.replace(":9", ":19"))
    running = conduit(site, "diff", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}, stdout=subprocess.PIPE)
    shown, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    assert rb"\u2192" in shown


def test_check_writes_nothing_and_exclude_leaves_out(site: Any) -> None:
    site.write("a.yaml", WIKI + "  blog:\n    upstream: 127.0.0.1:9\n    tls: off\n")
    state = site.directory / "state" / "journal"
    checked = site.conduit("apply", "--check")
    assert checked.code == 0
    assert "+ route/wiki" in checked.stdout
    assert not state.exists()
    assert site.dig("wiki.home.arpa") == []
    done = site.conduit("apply", "--yes", "--no-prove", "--exclude", "service/wiki")
    assert done.code == 0
    assert "incomplete plan" in done.stdout
    assert (site.dig("blog.home.arpa"), site.dig("wiki.home.arpa")) == (["127.0.0.1"], [])
    assert site.conduit("apply", "--yes", "--no-prove", "-t", "service/wiki").code == 0
    assert site.dig("wiki.home.arpa") == ["127.0.0.1"]


def test_a_secret_is_asked_for_without_showing_it(site: Any) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update({"CONDUIT_CONFIG": str(site.settings_file), "PYTHONPATH": str(ROOT)})
        os.environ.pop("CI", None)
        os.execv(sys.executable, [sys.executable, "-m", "conduit", "secret", "set", "joe"])
    shown = b""
    for prompt in (b"Value", b"Repeat"):
        shown += read_until(terminal, prompt)
        os.write(terminal, f"{CANARY}\n".encode())
    shown += read_until(terminal, b"never shown")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, shown
    assert b"Stored. Write {secret: joe}" in shown
    assert CANARY.encode() not in shown


@pytest.mark.parametrize(("answer", "code", "served"), [(b"n\n", 1, []), (b"y\n", 0, ["127.0.0.1"])])
def test_a_terminal_is_asked_and_coloured(site: Any, answer: bytes, code: int, served: list[str]) -> None:
    site.write("a.yaml", WIKI)
    ours, theirs = pty.openpty()
    running = conduit(site, "apply", "--no-prove", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = read_until(ours, b"[y/N]")
    os.write(ours, answer)
    shown += read_until(ours, b"never shown")
    assert running.wait(timeout=60) == code
    os.close(ours)
    assert b"\x1b[32m" in shown
    assert site.dig("wiki.home.arpa") == served


def test_a_ci_job_with_a_terminal_is_not_asked(site: Any) -> None:
    ours, theirs = pty.openpty()
    running = conduit(site, "apply", stdin=theirs, stdout=theirs, stderr=theirs, env={"CI": "1"})
    os.close(theirs)
    shown = read_until(ours, b"never shown")
    os.close(ours)
    assert running.wait(timeout=60) == 64
    assert b"--yes" in shown


def read_until(descriptor: int, words: bytes) -> bytes:
    """Read what a terminal shows until `words` or its end."""
    shown = b""
    while words not in shown:
        try:
            piece = os.read(descriptor, 4096)
        except OSError:
            return shown
        if not piece:
            return shown
        shown += piece
    return shown


def conduit(site: Any, *words: str, env: Mapping[str, str] = {}, **options: Any) -> subprocess.Popen[bytes]:
    """Start conduit on a site with streams of our own."""
    paths = {"CONDUIT_CONFIG": str(site.settings_file), "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    cleared = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")}
    argv = [sys.executable, "-m", "conduit", *words]
    return subprocess.Popen(argv, cwd=site.directory, env=cleared | paths | dict(env), **options)


def test_get_says_that_nothing_is_called_so_and_what_may_be_meant(site: Any) -> None:
    """Regression: a slip of the pen was answered by the head of an empty table."""
    site.write("a.yaml", "dns_records:\n  printer: {name: printer.home.arpa, value: 10.0.0.1}\n")
    assert site.conduit("apply", "--yes").code == 0
    done = site.conduit("get", "dns_record/pinter")
    assert done.stderr == 'nothing live is dns_record/pinter; did you mean "printer"?\n'
    assert site.conduit("get", "dns_record/printer").stderr == ""


def test_get_takes_a_kind_as_manifests_have_it(site: Any) -> None:
    """Regression: it said that there is no such kind, of `services` too."""
    site.write("a.yaml", "dns_records:\n  printer: {name: printer.home.arpa, value: 10.0.0.1}\n")
    assert site.conduit("apply", "--yes").code == 0
    assert site.conduit("get", "dns_records").stdout == site.conduit("get", "dns_record").stdout
    assert "a service is live as what it becomes" in site.conduit("get", "services").stderr
