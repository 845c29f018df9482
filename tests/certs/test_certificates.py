"""The kind `certificate` on real files, judged by openssl and stat."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.change import Action, Disturbance, Result
from conduit.model import Key

DAY = 86400


def test_openssl_verifies_the_chain_names_and_key(store: Any, openssl: Callable[..., str]) -> None:
    want = store.want(names=["Wiki.home.arpa", "*.wiki.home.arpa"])
    outcome = store.ensure(want)
    assert outcome.result is Result.OK
    file = store.file()
    openssl("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", store.ca / "root.crt", file)
    text = openssl("x509", "-in", file, "-noout", "-ext", "subjectAltName,extendedKeyUsage", "-serial", "-subject")
    assert "DNS:*.wiki.home.arpa, DNS:wiki.home.arpa" in text
    assert "TLS Web Server Authentication" in text
    assert f"serial={outcome.facts['serial'].upper()}" in text
    assert len(outcome.facts["serial"]) * 4 >= 64
    public = openssl("x509", "-in", file, "-noout", "-pubkey")
    assert public == openssl("pkey", "-in", file, "-pubout")
    assert "P-256" in openssl("pkey", "-in", file, "-noout", "-text")


def test_the_root_signs_servers_only(store: Any, openssl: Callable[..., str]) -> None:
    store.ensure(store.want())
    text = openssl("x509", "-in", store.ca / "root.crt", "-noout", "-text")
    assert "CA:TRUE, pathlen:0" in text
    assert "Certificate Sign, CRL Sign" in text
    assert "CN = conduit default root" in text


def test_a_second_pass_wants_nothing_and_writes_nothing(store: Any) -> None:
    store.ensure(store.want())
    before = {p: p.stat().st_mtime_ns for p in store.base.rglob("*")}
    version = store.read().version
    store.reopen()
    assert store.change(store.want()) is None
    assert store.provider.apply([], store.read()) == {}
    assert store.read().version == version
    assert {p: p.stat().st_mtime_ns for p in store.base.rglob("*")} == before


def test_a_no_op_reads_no_certificate_with_cryptography(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import cryptography.x509

    store.ensure(store.want())
    monkeypatch.setattr(cryptography.x509, "load_pem_x509_certificate", None)
    monkeypatch.setattr("conduit.providers.certs_ca.open_authority", None)
    assert store.change(store.want()) is None


def test_what_did_not_change_is_not_read_again(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store.ensure(store.want())
    store.remember()
    monkeypatch.setattr("conduit.providers.certs_store.examine", None)
    before = store.lives()
    assert before
    store.reopen()
    with pytest.raises(TypeError):
        store.lives()


def test_a_remembered_certificate_ages_with_its_root(store: Any) -> None:
    store.ensure(store.want())
    store.remember()
    store.ca.rename(store.masters / "ca.old")
    assert store.live().status["current"] is False


def test_observed_spec_is_the_declared_one(store: Any) -> None:
    from conduit.kind import KINDS

    want = store.want(names=["b.home.arpa", "a.home.arpa"], consumers=["nginx"], lifetime="20d", renew_before="2d")
    store.ensure(want)
    assert KINDS["certificate"].parse(store.live().native) == want.spec


@pytest.mark.parametrize(
    ("field", "value"),
    [("names", ["other.home.arpa"]), ("consumers", ["caddy", "nginx"]), ("lifetime", "30d"), ("renew_before", "9d")],
)
def test_a_changed_field_is_shown_alone_and_issued_anew(store: Any, field: str, value: Any) -> None:
    old = store.ensure(store.want()).facts
    changed = store.want(**{field: value})
    assert [path.split(".")[0] for path in store.differing(changed)] == [field]
    new = store.ensure(changed).facts
    assert new["serial"] != old["serial"]
    assert new["caddy"] != old["caddy"]
    assert store.change(changed) is None


def test_keys_are_private_and_the_root_is_public(store: Any) -> None:
    store.ensure(store.want())
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in store.base.rglob("*") if p.is_file()}
    assert modes.pop("root.crt") == 0o644
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((store.base / "caddy").stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_copy_belongs_to_the_daemons_user(make_store: Callable[..., Any], tmp_path: Path) -> None:
    store = make_store(copies={"caddy": {"dir": str(tmp_path / "caddy"), "user": "nobody"}})
    store.ensure(store.want())
    assert store.file().owner() == "nobody"
    assert store.file().parent.owner() == "nobody"
    assert (store.masters / store.file().name).owner() == "root"
    os.chown(store.file(), 0, 0)
    assert store.differing(store.want()) == ["copies.caddy"]
    assert store.ensure(store.want()).result is Result.OK
    assert store.file().owner() == "nobody"


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"M", b"N", 1))


def disguised(path: Path) -> None:
    """Damage a file behind its size and the time of its last write, which anybody can set."""
    before = path.stat()
    damaged(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def linked(path: Path) -> None:
    target = path.with_suffix(".real")
    path.rename(target)
    path.symlink_to(target)


def loosened(path: Path) -> None:
    path.chmod(0o644)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


@pytest.mark.parametrize("place", ["master", "copies.caddy"])
@pytest.mark.parametrize("harm", [Path.unlink, damaged, disguised, linked, loosened, fifo, truncated])
def test_harm_to_one_file_is_drift_with_its_field_and_heals_without_a_new_serial(
    store: Any, harm: Callable[[Path], None], place: str
) -> None:
    before = store.ensure(store.want()).facts
    path = store.file() if place != "master" else store.masters / store.file().name
    content = path.read_bytes()
    store.remember()
    harm(path)
    change = store.change(store.want())
    assert [field.path for field in change.diff.fields] == [place]
    assert store.provider.impact(change, store.read()).disturbance is Disturbance.NONE
    assert store.ensure(store.want()).result is Result.OK
    assert (path.read_bytes(), path.is_symlink()) == (content, False)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert store.live().facts == before
    assert store.change(store.want()) is None


def test_a_directory_in_the_way_fails_that_certificate_and_is_named(store: Any) -> None:
    store.ensure(store.want())
    path = store.file()
    path.unlink()
    path.mkdir()
    assert store.differing(store.want()) == ["copies.caddy"]
    outcome = store.ensure(store.want())
    assert outcome.result is Result.FAILED
    assert str(path) in outcome.reason


def test_when_no_file_is_whole_a_new_certificate_is_issued(store: Any) -> None:
    before = store.ensure(store.want()).facts
    for path in (store.file(), store.masters / store.file().name):
        truncated(path)
    change = store.change(store.want())
    assert [field.path for field in change.diff.fields] == ["master", "copies.caddy"]
    assert str(store.file()) in str(change.live.facts)
    assert store.ensure(store.want()).facts["serial"] != before["serial"]
    assert store.change(store.want()) is None


def test_renewal_changes_path_and_serial_and_keeps_the_old_file(store: Any, openssl: Callable[..., str]) -> None:
    old = store.ensure(store.want()).facts
    store.now += 59 * DAY
    assert store.change(store.want()) is None
    store.now += 2 * DAY
    change = store.change(store.want())
    assert [field.path for field in change.diff.fields] == ["not_after"]
    assert "expires on" in change.diff.reason
    assert store.provider.impact(change, store.read()).disturbance is Disturbance.RELOAD
    new = store.ensure(store.want()).facts
    assert new["serial"] != old["serial"]
    assert new["caddy"]["certificate"] != old["caddy"]["certificate"]
    assert Path(old["caddy"]["key"]).exists()
    openssl("verify", "-attime", int(store.now), "-CAfile", store.ca / "root.crt", new["caddy"]["certificate"])
    assert store.change(store.want()) is None


def test_superseded_generations_come_last_and_go_by_id(store: Any) -> None:
    store.ensure(store.want())
    store.now += 61 * DAY
    store.ensure(store.want())
    newest, superseded = store.lives()
    assert newest.facts["issued"] > superseded.facts["issued"]
    assert store.provider.remove([superseded])[newest.key].action is Action.DELETE
    assert [live.id for live in store.lives()] == [newest.id]
    assert list(store.base.rglob(f"*{superseded.id}")) == []


def test_a_removal_that_fails_has_its_outcome(store: Any) -> None:
    store.ensure(store.want())
    (live,) = store.lives()
    store.file().unlink()
    store.file().mkdir()
    (outcome,) = store.provider.remove([live]).values()
    assert (outcome.key, outcome.result) == (live.key, Result.FAILED)


def test_a_short_life_is_renewed_at_half_of_it(store: Any) -> None:
    want = store.want(lifetime="20d")
    store.ensure(want)
    store.now += 9 * DAY
    assert store.change(want) is None
    store.now += 2 * DAY
    assert store.differing(want) == ["not_after"]


def test_a_certificate_that_ends_with_its_root_is_not_renewed_over_and_over(make_store: Callable[..., Any]) -> None:
    store = make_store(ca_lifetime="100d")
    store.ensure(store.want())
    store.now += 61 * DAY
    facts = store.ensure(store.want()).facts
    assert facts["not_after"] == facts["root_not_after"]
    assert store.change(store.want()) is None
    store.now += 20 * DAY
    assert store.change(store.want()) is None
    assert "root" in store.read().warnings[0]
    assert "root" in "".join(store.provider.check())


def test_a_forged_mark_is_listed_and_never_touched(store: Any) -> None:
    store.ensure(store.want())
    genuine = store.file()
    name, digest, _, _ = genuine.name.split(".")
    forged = genuine.with_name(f"{name}.{digest}.{'0' * 20}.pem")
    renamed = genuine.with_name(genuine.name.replace("wiki", "blog", 1))
    for path in (forged, renamed):
        path.write_bytes(genuine.read_bytes())
    foreign = [live for live in store.read().objects["certificate"] if not live.owned]
    assert {live.place for live in foreign} == {str(forged), str(renamed)}
    store.provider.remove(foreign)
    assert forged.exists()
    assert renamed.exists()
    assert store.change(store.want()) is None


def test_another_site_neither_owns_nor_removes(store: Any, tmp_path: Path) -> None:
    store.ensure(store.want())
    store.settings = store.settings.model_copy(update={"site": "other"})
    store.reopen()
    assert all(not live.owned for live in store.read().objects["certificate"])


def test_an_unknown_consumer_is_refused_alone_and_names_the_setting(store: Any) -> None:
    outcomes = store.apply(store.want("blog", consumers=["haproxy"]), store.want())
    failed = outcomes[Key("certificate", "blog")]
    assert failed.result is Result.FAILED
    assert "haproxy" in failed.reason
    assert "copies" in failed.reason
    assert outcomes[Key("certificate", "wiki")].result is Result.OK


def test_certificates_outlive_the_state_directory(store: Any) -> None:
    store.ensure(store.want())
    assert not (store.base / "state").exists()


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs."""


@pytest.mark.parametrize("point", ["before", "written", "after"])
def test_a_run_killed_while_issuing_converges(store: Any, point: str, openssl: Callable[..., str]) -> None:
    def fail(reached: str) -> None:
        if reached == f"certs.issue.{point}":
            raise Killed

    store.failpoint = fail
    with pytest.raises(Killed):
        store.ensure(store.want())
    store.failpoint = lambda point: None
    (store.masters / ".conduit-wiki.1.tmp").touch()
    store.reopen()
    assert len(store.provider.recover()) == 1
    store.ensure(store.want())
    openssl("verify", "-CAfile", store.ca / "root.crt", store.file())
    assert store.change(store.want()) is None
    assert store.provider.recover() == ()


def test_no_private_key_appears_in_anything_shown(store: Any) -> None:
    wants = [store.want(f"s{number}") for number in range(40)]
    outcomes = store.apply(*wants)
    reading = store.read()
    secret = {
        line
        for path in [*store.masters.glob("*.pem"), store.ca / "root.key"]
        for line in path.read_text().partition("BEGIN PRIVATE KEY-----\n")[2].splitlines()[:2]
    }
    assert len(secret) >= 41
    (store.masters / store.live("s1").id).unlink()
    authority = store.provider._authority(reading, store.now)
    issued = authority.issue("x", ["x.home.arpa"], int(store.now), DAY)
    shown = repr([outcomes, reading, store.change(wants[1]), authority, issued, store.provider])
    names = " ".join(map(str, store.base.rglob("*")))
    assert not [line for line in secret if line in shown or line in names]
