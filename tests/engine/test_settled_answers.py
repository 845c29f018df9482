"""What else ends the quick answer of `diff`: time, names, secrets, programs, other code, and doubts of any sort."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import repeat
from pathlib import Path

import pytest

from conduit import settled as module
from conduit.engine import Engine
from conduit.manifests.settings_file import read_settings
from conduit.settings import Settings
from conduit.settled import settled
from tests.conftest import ROOT
from tests.engine.by_hand import edit, hosts_file
from tests.engine.conftest import World
from tests.engine.settled_world import NOTHING, RECORD, commit, is_settled, kept, leave_a_killed_run, manifest
from tests.failing import at


def test_the_second_diff_says_the_same_without_loading_anything(service: World) -> None:
    first = service.site.conduit("diff", "--detailed-exitcode")
    words = [sys.executable, "-X", "importtime", "-m", "conduit", "diff", "--detailed-exitcode"]
    environment = os.environ | {"CONDUIT_CONFIG": str(service.site.settings_file), "PYTHONPATH": str(ROOT)}
    second = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    imported = {line.rpartition("|")[2].strip() for line in second.stderr.splitlines()}
    assert (first.code, first.stdout) == (second.returncode, second.stdout) == (0, NOTHING)
    assert "conduit.settled" in imported
    assert imported.isdisjoint({"pydantic", "conduit.engine", "conduit.plan", "conduit.manifests.load"})


@pytest.mark.parametrize(
    "option", ["-v", "--json", "--markdown", "-tservice/web", "--exclude=service/web", "-oplan.json"]
)
def test_a_diff_that_says_more_is_drawn_anew(quiet: World, option: str) -> None:
    plain = quiet.site.conduit("diff")
    done = quiet.site.conduit("diff", option)
    assert (plain.code, plain.stdout, done.code) == (0, NOTHING, 0)
    assert done.stdout != plain.stdout or option == "-oplan.json"
    assert (quiet.site.directory / "plan.json").exists() == (option == "-oplan.json")


def test_a_certificate_that_is_due_ends_the_quick_answer(quiet: World) -> None:
    settings = read_settings(quiet.site.settings_file)
    for days, due in ((59, False), (61, True)):
        clock = repeat(time.time() + days * 86400).__next__
        assert is_settled(quiet, now=clock) is not due
        assert bool(Engine(settings, now=clock).plan().changes) is due
    assert not is_settled(quiet, now=lambda: time.time() - 3600), "before it was issued"


def test_an_ignored_difference_that_ends_is_noticed(quiet: World) -> None:
    entry = "    ignore: [{path: timeouts, reason: tried out, until: 2031-01-01}]\n"
    manifest(quiet).write_text(manifest(quiet).read_text() + entry)
    assert quiet.plan().empty
    assert is_settled(quiet)
    assert not is_settled(quiet, now=lambda: 1_924_992_001.0)


def test_a_rotated_secret_is_noticed(quiet: World) -> None:
    assert quiet.site.conduit("secret", "set", "ada", input="first\n").code == 0
    manifest(quiet).write_text(manifest(quiet).read_text() + "    basic_auth: {ada: {secret: ada}}\n")
    assert quiet.apply(prove=False).exit_code == 0
    assert quiet.plan().empty
    assert is_settled(quiet)
    assert quiet.site.conduit("secret", "set", "ada", input="second\n").code == 0
    assert not is_settled(quiet)
    assert [str(change.key) for change in quiet.plan().changes] == ["route/web"]


def test_a_secret_of_the_environment_keeps_no_answer(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADA", "first")
    manifest(quiet).write_text(manifest(quiet).read_text() + "    basic_auth: {ada: {secret: 'env:ADA'}}\n")
    assert quiet.apply(prove=False).exit_code == 0
    assert quiet.plan().empty
    assert not is_settled(quiet)


def test_a_name_that_resolves_elsewhere_is_noticed(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"app.example": "10.0.0.8"}
    monkeypatch.setattr("socket.getaddrinfo", lambda name, *_, **__: [(0, 0, 0, "", (answers[name], 0))])
    quiet.site.write("app.yaml", "services:\n  app: {upstream: 'app.example:80', tls: off}\n")
    assert quiet.apply(prove=False).exit_code == 0
    assert quiet.plan().empty
    assert is_settled(quiet)
    answers["app.example"] = "10.0.0.9"
    assert not is_settled(quiet)


def test_another_user_of_the_same_name_is_noticed(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    monkeypatch.setattr("pwd.getpwnam", lambda name: pwd.struct_passwd((name, "x", 12345, 12345, "", "/", "")))
    assert not is_settled(quiet)


def test_another_caddy_binary_is_noticed(quiet: World) -> None:
    section = quiet.site.daemons["caddy"].section
    binary = quiet.site.directory / "caddy" / "binary"
    binary.write_text(f'#!/bin/sh\nexec {section["program"]} "$@"\n')
    binary.chmod(0o755)
    settings = quiet.site.settings_file.read_text()
    quiet.site.settings_file.write_text(settings.replace(f"program: {section['program']}", f"program: {binary}"))
    assert quiet.plan().empty
    assert is_settled(quiet)
    binary.write_text("#!/bin/sh\necho v2.7.0\n")
    assert not is_settled(quiet)
    assert "known security holes" in quiet.site.conduit("diff").stdout


def test_a_merge_that_stopped_half_way_is_noticed(quiet: World) -> None:
    commit(quiet)
    assert quiet.plan().empty
    assert is_settled(quiet)
    side = f"100644 {'1' * 40} 2\tdesired/web.yaml\n"
    words = ["git", "update-index", "--index-info"]
    subprocess.run(words, cwd=quiet.site.directory, input=side, text=True, check=True, timeout=20)
    assert not is_settled(quiet)
    assert quiet.site.conduit("diff").code == 1


def test_an_apply_drops_the_answer_before_it_changes_anything(quiet: World) -> None:
    quiet.site.write("more.yaml", RECORD)
    assert quiet.site.conduit("apply", "--yes", env=at("apply.intent")).code == -signal.SIGKILL
    assert not kept(quiet).exists()


@pytest.mark.parametrize("spoil", [lambda c: c[:-9], lambda c: c.replace(b"[", b"{"), lambda c: c[1:], lambda c: b""])
def test_a_damaged_answer_is_not_believed_and_kept_anew(quiet: World, spoil: Callable[[bytes], bytes]) -> None:
    whole = kept(quiet).read_bytes()
    kept(quiet).write_bytes(spoil(whole))
    assert not is_settled(quiet)
    assert quiet.site.conduit("diff").stdout == NOTHING
    assert quiet.plan().empty
    assert kept(quiet).read_bytes() == whole


def test_a_link_in_place_of_the_answer_is_not_followed(quiet: World) -> None:
    kept(quiet).symlink_to(kept(quiet).rename(quiet.site.directory / "elsewhere"))
    assert not is_settled(quiet)


def test_the_answer_of_other_code_is_not_believed(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, other in (("CODE", "other"), ("CODE", ""), ("__version__", "0.0.0"), ("FORMAT", 0)):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, other)
            assert not is_settled(quiet), name
    assert is_settled(quiet)


def test_what_python_compiles_meanwhile_is_no_source(tmp_path: Path) -> None:
    """In a fresh checkout, a half-written .pyc of another process once made every plan a full one."""
    for name in ("apply.py", "templates/page.html", "__pycache__/apply.cpython-311.pyc.140234"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert {entry.name for entry in module._sources(str(tmp_path))} == {"apply.py", "page.html"}


def test_the_answer_of_another_settings_file_is_not_believed(quiet: World) -> None:
    other = quiet.site.directory / "other.yaml"
    shutil.copy(quiet.site.settings_file, other)
    assert settled(other) is None


def test_a_failpoint_has_its_way(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDUIT_FAILPOINT", "plan.made:kill")
    assert not is_settled(quiet)


@pytest.fixture
def unkept(service: World) -> World:
    """The site with one service; the answer that its apply kept is gone."""
    kept(service).unlink()
    return service


def test_a_plan_with_a_warning_is_not_kept(unkept: World) -> None:
    leave_a_killed_run(unkept)
    assert unkept.plan().warnings
    assert not kept(unkept).exists()


def test_a_provider_that_cannot_tell_keeps_no_answer(unkept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conduit.providers.certs.Certs.evidence", lambda self, reading: None)
    assert unkept.plan().empty
    assert not kept(unkept).exists()


def test_an_answer_drawn_while_a_run_goes_on_is_not_kept(unkept: World) -> None:
    with unkept.engine().lock.hold("apply"):
        assert unkept.plan().empty
    assert not kept(unkept).exists()


def test_what_changed_between_reading_and_keeping_is_not_hidden(unkept: World) -> None:
    """The evidence is of the bytes that were planned from, not of a second look."""
    engine = unkept.engine()
    desired, observed = engine.load(), engine.observe()
    manifest(unkept).write_text(manifest(unkept).read_text() + "    response_headers: {X-New: one}\n")
    edit(hosts_file, "127.0.0.1 web", "127.0.0.9 web")(unkept)
    plan = engine.plan_for(desired, observed)
    engine.keep_evidence(plan)
    assert plan.empty
    assert kept(unkept).exists()
    assert not is_settled(unkept)


def test_the_default_state_directory_is_the_one_of_the_settings() -> None:
    assert Path(module.STATE_DIR) == Settings.model_fields["state_dir"].default
