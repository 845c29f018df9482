"""The quick answer of `diff`: given only while nothing changed that the empty plan was drawn from, else never."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from conduit import settled as module
from conduit.change import Action, Change, Diff, Origin
from conduit.engine import Engine, read_settings
from conduit.journal import Journal
from conduit.model import Key, Source
from conduit.report import ApplyOptions
from conduit.settings import Settings
from conduit.settled import settled
from tests.conftest import ROOT
from tests.engine.conftest import World
from tests.engine.test_drift import route_path
from tests.engine.test_kind_contract import admin, conf_file, edit, hosts_file

NOTHING = "No changes. Live state matches desired/.\n"
RECORD = "dns_records:\n  more: {name: more.home.arpa, value: 10.0.0.9}\n"


def is_settled(world: World, **clock: Any) -> bool:
    return settled(world.site.settings_file, **clock) is not None


def kept(world: World) -> Path:
    return Path(world.site.directory, "state", "cache", "settled.json")


@pytest.fixture
def quiet(service: World) -> World:
    """The site with one service, an answer kept."""
    assert service.plan().empty
    assert is_settled(service)
    return service


def manifest(world: World) -> Path:
    return Path(world.site.desired, "web.yaml")


def copy_of_certificate(world: World) -> Path:
    (copy,) = Path(world.site.directory, "caddy-certs").glob("web.*")
    return copy


def edit_unnoticed(path: Callable[[World], Path], old: str, new: str) -> Callable[[World], None]:
    """Damage that leaves size and time of change as they were."""

    def damage(world: World) -> None:
        assert len(old) == len(new)
        before = path(world).stat()
        edit(path, old, new)(world)
        os.utime(path(world), ns=(before.st_atime_ns, before.st_mtime_ns))

    return damage


def make_link(world: World) -> None:
    elsewhere = manifest(world).rename(world.site.directory / "elsewhere.yaml")
    manifest(world).symlink_to(elsewhere)


def change_route(world: World) -> None:
    path = route_path(world, "https")
    route = admin(world, "GET", path)
    next(h for h in route["handle"] if h["handler"] == "reverse_proxy")["upstreams"][0]["dial"] = "127.0.0.1:9"
    admin(world, "PATCH", path, route)


def add_foreign_route(world: World) -> None:
    server = {"listen": ["127.0.0.1:0"], "automatic_https": {"disable": True}, "routes": [{"@id": "theirs"}]}
    admin(world, "PUT", "/config/apps/http/servers/theirs", server)


def serve_older_hosts(world: World) -> None:
    """Contents and times equal to what was read prove nothing while dnsmasq serves something else."""
    path, before, whole = hosts_file(world), hosts_file(world).stat(), hosts_file(world).read_bytes()
    path.write_bytes(b"")
    os.kill(int((world.site.directory / "dnsmasq" / "pid").read_text()), 1)
    deadline = time.monotonic() + 10
    while world.site.dig("web.home.arpa") and time.monotonic() < deadline:
        pass
    path.write_bytes(whole)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def add_foreign_conf(world: World) -> None:
    (conf_file(world).parent / "theirs.conf").write_text("address=/theirs.example/10.1.1.1\n")


def leave_a_killed_run(world: World) -> None:
    key = Key("dns_record", "web")
    change = Change(Action.UPDATE, key, "dnsmasq", Diff(), Origin.PENDING, Source(""), key)
    with Journal(world.site.directory / "state" / "journal").run("apply", "digest") as run:
        run.intent("dnsmasq", [change])


def stray_certificate(world: World) -> None:
    (world.site.directory / "caddy-certs" / "stray.one.two.pem").write_text("stray")


def commit(world: World) -> None:
    for words in (
        ["init", "-q"],
        ["add", "desired"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"],
    ):
        subprocess.run(["git", *words], cwd=world.site.directory, check=True, timeout=20)


def add_local_domain(world: World) -> None:
    with world.site.settings_file.open("a") as settings:
        settings.write("local_domains: [more.test]\n")


@dataclass(frozen=True)
class Damage:
    """What is done behind conduit's back, and the exit code and words of the diff that has to notice it."""

    do: Callable[[World], object]
    code: int
    words: str


DAMAGES = {
    "a manifest edited, its size and time kept": Damage(
        edit_unnoticed(manifest, "/health", "/wealth"), 2, "~ route/web"
    ),
    "a manifest added": Damage(lambda world: world.site.write("more.yaml", RECORD), 2, "+ dns_record/more"),
    "a manifest removed": Damage(lambda world: manifest(world).unlink(), 2, "- dns_record/web"),
    "a manifest made a link": Damage(make_link, 1, "symbolic link"),
    "the tree removed": Damage(lambda world: shutil.rmtree(world.site.desired), 1, "there is no directory"),
    "conduit.yaml edited": Damage(add_local_domain, 2, "~ frame/dnsmasq"),
    "a route changed in Caddy": Damage(change_route, 3, "!   ~ route/web"),
    "a foreign route added in Caddy": Damage(add_foreign_route, 0, "1 unmanaged object"),
    "Caddy stopped": Damage(lambda world: world.site.daemons["caddy"].stop(), 6, "UNKNOWN: Caddy's admin API"),
    "the hosts file edited": Damage(
        edit_unnoticed(hosts_file, "127.0.0.1 web", "127.0.0.9 web"), 3, 'value        "127.0.0.9" → "127.0.0.1"'
    ),
    "the hosts file removed": Damage(lambda world: hosts_file(world).unlink(), 3, "+ dns_record/web"),
    "the hosts file touched": Damage(lambda world: os.utime(hosts_file(world)), 3, "was changed by hand"),
    "the conf file edited": Damage(edit_unnoticed(conf_file, "home.arpa", "home.arpb"), 3, "~ frame/dnsmasq"),
    "a foreign conf file added": Damage(add_foreign_conf, 0, "1 unmanaged object"),
    "older hosts served": Damage(serve_older_hosts, 3, "is not the one dnsmasq serves"),
    "dnsmasq stopped": Damage(
        lambda world: world.site.daemons["dnsmasq"].stop(), 6, "UNKNOWN: dnsmasq does not answer"
    ),
    "a certificate damaged": Damage(lambda world: copy_of_certificate(world).write_text("no"), 3, "damaged"),
    "a certificate removed": Damage(lambda world: copy_of_certificate(world).unlink(), 3, "missing"),
    "a certificate open to others": Damage(lambda world: copy_of_certificate(world).chmod(0o644), 3, "mode 0644"),
    "a stray file beside the certificates": Damage(stray_certificate, 0, "1 unmanaged object"),
    "the root's key lost": Damage(lambda world: (world.site.certificates / "ca/root.key").unlink(), 6, "root.key"),
    "a key open to others": Damage(
        lambda world: (world.site.directory / "keys/site.key").chmod(0o644), 1, "site.key is open to others"
    ),
    "the site key replaced": Damage(
        lambda world: (world.site.directory / "keys/site.key").write_bytes(b"k" * 32), 3, "~ route/web"
    ),
    "a killed run": Damage(leave_a_killed_run, 0, "did not end"),
    "a commit": Damage(commit, 0, "(HEAD is "),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_the_diff_after_a_damage_tells_it(quiet: World, name: str) -> None:
    damage = DAMAGES[name]
    damage.do(quiet)
    assert not is_settled(quiet)
    done = quiet.site.conduit("diff", "--detailed-exitcode")
    assert (done.code, damage.words in done.stdout + done.stderr) == (damage.code, True), done
    assert not is_settled(quiet) or name == "a commit" or "unmanaged" in damage.words


@pytest.fixture
def applied(service: World) -> World:
    """The site with one service, an answer kept by an apply of one edited field."""
    manifest(service).write_text(manifest(service).read_text() + "    timeouts: {read: 5s}\n")
    assert service.apply(prove=False).exit_code == 0
    assert is_settled(service)
    return service


def test_an_apply_that_left_nothing_keeps_the_answer(applied: World) -> None:
    before = kept(applied).read_bytes()
    assert applied.site.conduit("diff", "--detailed-exitcode") == (0, NOTHING, "")
    assert applied.plan().empty
    assert kept(applied).read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        "a manifest edited, its size and time kept",
        "a route changed in Caddy",
        "a foreign route added in Caddy",
        "the hosts file edited",
        "older hosts served",
        "a certificate damaged",
        "a killed run",
    ],
)
def test_the_diff_after_an_apply_and_a_damage_tells_it(applied: World, name: str) -> None:
    test_the_diff_after_a_damage_tells_it(applied, name)


@pytest.mark.parametrize("neighbour", [add_foreign_conf, edit(hosts_file, "127.0.0.1 web", "127.0.0.9 web")])
def test_what_moved_while_a_plan_waited_keeps_no_answer(service: World, neighbour: Callable[[World], None]) -> None:
    """The apply touches Caddy and dnsmasq; it reads back what it wrote, and what else is there now."""
    engine = service.engine()
    service.site.write("more.yaml", RECORD)
    manifest(service).write_text(manifest(service).read_text() + "    timeouts: {read: 5s}\n")
    plan = engine.plan()
    neighbour(service)
    engine.apply(plan, ApplyOptions(prove=False))
    assert not is_settled(service)


def test_an_apply_of_objects_or_of_a_part_keeps_no_answer(quiet: World) -> None:
    quiet.site.write("more.yaml", "services:\n  two: {upstream: '127.0.0.1:9'}\n")
    assert quiet.apply(prove=False).exit_code == 0
    assert not kept(quiet).exists()
    manifest(quiet).write_text(manifest(quiet).read_text() + "    timeouts: {read: 5s}\n")
    assert quiet.apply(prove=False, targets=(Key("service", "web"),)).exit_code == 0
    assert not kept(quiet).exists()


def test_what_is_unmanaged_is_told_again_and_again(quiet: World) -> None:
    add_foreign_route(quiet)
    told = [quiet.site.conduit("diff", "--detailed-exitcode") for _ in range(3)]
    assert is_settled(quiet)
    assert [each.stdout for each in told] == [f"  ? 1 unmanaged object left alone (-v lists them)\n\n{NOTHING}"] * 3
    assert quiet.site.conduit("diff", "-q").stdout == NOTHING
    assert "unmanaged, left alone" in quiet.site.conduit("diff", "-v").stdout


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
    environment = {"CONDUIT_FAILPOINT": "apply.intent:kill", "CONDUIT_TEST": "1"}
    quiet.site.conduit("apply", "--yes", env=environment)
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


def test_a_plan_with_a_warning_is_not_kept(service: World) -> None:
    leave_a_killed_run(service)
    assert service.plan().warnings
    assert not kept(service).exists()


def test_a_provider_that_cannot_tell_keeps_no_answer(service: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conduit.providers.certs.Certs.evidence", lambda self, reading: None)
    assert service.plan().empty
    assert not kept(service).exists()


def test_an_answer_drawn_while_a_run_goes_on_is_not_kept(service: World) -> None:
    with service.engine().lock.hold("apply"):
        assert service.plan().empty
    assert not kept(service).exists()


def test_what_changed_between_reading_and_keeping_is_not_hidden(service: World) -> None:
    """The evidence is of the bytes that were planned from, not of a second look."""
    engine = service.engine()
    desired, observed = engine.load(), engine.observe()
    manifest(service).write_text(manifest(service).read_text() + "    response_headers: {X-New: one}\n")
    edit(hosts_file, "127.0.0.1 web", "127.0.0.9 web")(service)
    plan = engine.plan_for(desired, observed)
    engine.keep_evidence(plan)
    assert plan.empty
    assert kept(service).exists()
    assert not is_settled(service)


def test_the_default_state_directory_is_the_one_of_the_settings() -> None:
    assert Path(module.STATE_DIR) == Settings.model_fields["state_dir"].default
