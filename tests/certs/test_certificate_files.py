"""The files of a certificate: who may read them, what harm to them is told and healed, and whose are not ours."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.change import Disturbance, Result


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
    (live,) = store.read().objects["certificate"]
    assert not live.owned


def test_certificates_outlive_the_state_directory(store: Any) -> None:
    store.ensure(store.want())
    assert not (store.base / "state").exists()


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
    issued = authority.issue("x", ["x.home.arpa"], int(store.now), 86400)
    shown = repr([outcomes, reading, store.change(wants[1]), authority, issued, store.provider])
    names = " ".join(map(str, store.base.rglob("*")))
    assert not [line for line in secret if line in shown or line in names]
