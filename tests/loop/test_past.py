"""Back to what was: an earlier commit, the manifests of the run before, what the last run did not finish."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

from conduit.sandbox.daemon import Daemon
from tests.conftest import Ran, Site
from tests.failing import at

A, B = "10.0.0.1", "10.0.0.2"


def test_a_rollback_applies_an_earlier_commit_and_suspends_the_loop(
    site: Site, records: Callable[..., Path], git: Callable[..., str], cli: Callable[..., Ran]
) -> None:
    for message, addresses in (("first", {"one": A, "two": A}), ("second", {"one": B, "three": A})):
        records(**addresses)
        git("add", "desired")
        git("commit", "--quiet", "--message", message)
        done = cli("apply", "--yes", "--allow-deletes", "1") if message == "second" else cli("apply", "--yes")
        assert done.code == 0, done
    shown = cli("rollback", "HEAD~1", "--check", "--allow-deletes", "1")
    assert shown.code == 0
    assert "dns_record/two" in shown.stdout
    assert site.dig("one.home.arpa") == [B]
    assert cli("rollback", "HEAD~1").code == 64
    done = cli("rollback", "HEAD~1", "--yes", "--allow-deletes", "1")
    assert done.code == 0, done
    assert (site.dig("one.home.arpa"), site.dig("two.home.arpa"), site.dig("three.home.arpa")) == ([A], [A], [])
    (last,) = json.loads(cli("runs", "1", "--json").stdout)["runs"]
    assert (last["operation"], last["commit"]) == ("rollback", git("rev-parse", "HEAD~1").strip())
    assert "suspended" in cli("diff").stderr
    assert git("status", "--porcelain", "desired") == ""
    unknown = cli("rollback", "no-such-thing", "--yes")
    assert (unknown.code, "no-such-thing" in unknown.stderr) == (1, True)


def test_a_rollback_without_changes_names_the_commit_that_was_compared(
    committed: Callable[..., Path], git: Callable[..., str], cli: Callable[..., Ran]
) -> None:
    """Regression: it said that HEAD was that commit."""
    manifest = committed(one=A)
    assert cli("apply", "--yes").code == 0
    manifest.write_text(f"# why\n{manifest.read_text()}")
    git("commit", "--quiet", "--all", "--message", "second")
    done = cli("rollback", "HEAD~1", "--yes")
    assert done.code == 0, done
    first = git("rev-parse", "--short=7", "HEAD~1").strip()
    assert f"No changes. Live state matches the manifests of commit {first}." in done.stdout
    assert "HEAD" not in done.stdout


def test_a_loop_that_is_resumed_is_not_called_suspended(cli: Callable[..., Ran]) -> None:
    """Regression: the line about a suspended loop was printed beside the one that it is not."""
    assert cli("suspend", "--reason", "moving the rack").code == 0
    assert "suspended" in cli("diff").stderr
    done = cli("resume")
    assert (done.code, done.stdout, done.stderr) == (0, "The loop is not suspended.\n", "")
    assert cli("diff").stderr == ""


def test_an_undo_needs_no_git(site: Site, records: Callable[..., Path], cli: Callable[..., Ran]) -> None:
    nothing = cli("apply", "--undo", "--yes")
    assert (nothing.code, "CND-2221" in nothing.stderr) == (1, True)
    records(one=A)
    assert cli("apply", "--yes").code == 0
    records(one=B)
    assert cli("apply", "--yes").code == 0
    done = cli("apply", "--undo", "--yes")
    assert done.code == 0, done
    assert site.dig("one.home.arpa") == [A]
    assert json.loads(cli("runs", "1", "--json").stdout)["runs"][0]["operation"] == "undo"
    assert cli("apply", "--undo", "--yes").code == 0
    assert site.dig("one.home.arpa") == [B]


GUARDED = 'services:\n  web: {upstream: "%s", basic_auth: {anna: {secret: anna}}}\n'


def test_an_undo_takes_a_rotated_password_back_though_its_run_was_killed(
    site: Site, cli: Callable[..., Ran], upstream: Callable[..., Daemon]
) -> None:
    """What the first run only read while it wrote is kept, and what the killed one read is known."""
    site.write("web.yaml", GUARDED % upstream().address)

    def applied(password: str, **env: str) -> int:
        assert cli("secret", "set", "anna", input=password).code == 0
        return cli("apply", "--yes", env=env).code

    def accepted() -> list[str]:
        asked = {word: site.curl("https://web.home.arpa/", "--user", f"anna:{word}") for word in ("first", "second")}
        return [word for word, answer in asked.items() if answer.stdout.startswith("HTTP/2 200")]

    assert applied("first") == 0
    killed = applied("second", **at("caddy.commit.after"))
    assert (killed, accepted()) == (-signal.SIGKILL, ["second"])
    done = cli("apply", "--undo", "--yes")
    assert (done.code, accepted()) == (0, ["first"]), done


def test_a_killed_apply_is_resumed_with_what_it_did_not_finish(
    site: Site, records: Callable[..., Path], cli: Callable[..., Ran], upstream: Callable[..., Daemon]
) -> None:
    records(one=A)
    assert cli("apply", "--yes").code == 0
    nothing = cli("apply", "--resume", "--yes")
    assert (nothing.code, nothing.stderr) == (0, "the last run left nothing undone\n")
    site.write("web.yaml", f'services:\n  web: {{upstream: "{upstream().address}"}}\n')
    killed = cli("apply", "--yes", env=at("certs.issue.after"))
    assert killed.code == -signal.SIGKILL
    records(one=B)
    done = cli("apply", "--resume", "--yes")
    assert done.code == 0, done
    assert site.curl("https://web.home.arpa/").stdout.startswith("HTTP/")
    assert site.dig("one.home.arpa") == [A]
    newest = json.loads(cli("runs", "1", "--json").stdout)["runs"][0]
    assert newest["operation"] == "resume"
    last = newest["run"]
    shown = cli("runs", "show", str(last))
    assert "route/web" in shown.stdout
    assert json.loads(cli("runs", "show", str(last), "--json").stdout)["run"] == last
    assert cli("runs", "show", "999").code == 64
    assert cli("apply", "--resume", "--undo", "--yes").code == 64
