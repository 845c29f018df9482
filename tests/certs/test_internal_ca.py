"""P2: a root that is missing, unreadable, expired, foreign or used at the wrong time refuses, and says how to go on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.change import Result
from conduit.errors import Unreadable

DAY = 86400


def issue_refused(store: Any) -> str:
    """Ask for one new certificate, and return why it was refused."""
    outcome = store.ensure(store.want("new"))
    assert outcome.result is Result.FAILED
    assert store.lives("new") == []
    return str(outcome.reason)


@pytest.mark.parametrize("file", ["root.crt", "root.key"])
def test_a_missing_file_is_unknown_and_never_made_again(store: Any, file: str) -> None:
    store.ensure(store.want())
    kept = (store.ca / file).rename(store.base / file)
    with pytest.raises(Unreadable, match=r"missing.*backup"):
        store.read()
    assert not (store.ca / file).exists()
    assert "missing" in "".join(store.provider.check()) or file == "root.crt"
    kept.rename(store.ca / file)
    assert store.change(store.want()) is None


def test_copies_alone_remember_a_lost_root(store: Any) -> None:
    store.ensure(store.want())
    shutil.rmtree(store.masters)
    with pytest.raises(Unreadable, match="copies aside"):
        store.read()


@pytest.mark.parametrize("content", [b"", b"junk", b"-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"])
def test_a_garbled_root_is_unknown(store: Any, content: bytes) -> None:
    store.ensure(store.want())
    (store.ca / "root.crt").write_bytes(content)
    with pytest.raises(Unreadable, match=r"root\.crt is not a certificate"):
        store.read()


@pytest.mark.parametrize("file", ["root.crt", "root.key"])
def test_a_damaged_file_signs_nothing(store: Any, file: str) -> None:
    store.ensure(store.want())
    path = store.ca / file
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:40], *lines[2:]]))
    assert "damaged" in issue_refused(store)
    assert "damaged" in "".join(store.provider.check())


def test_a_directory_in_place_of_the_root_is_unknown(store: Any) -> None:
    store.ensure(store.want())
    (store.ca / "root.crt").unlink()
    (store.ca / "root.crt").mkdir()
    with pytest.raises(Unreadable, match="cannot read the root"):
        store.read()


def test_the_key_of_another_root_signs_nothing(store: Any, openssl: Callable[..., str]) -> None:
    store.ensure(store.want())
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", store.ca / "root.key")
    (store.ca / "root.key").chmod(0o600)
    assert "does not belong to root.crt" in issue_refused(store)
    assert "does not belong" in "".join(store.provider.check())


def test_a_server_certificate_is_no_root(store: Any) -> None:
    store.ensure(store.want())
    pem = store.file().read_bytes()
    for file in ("root.crt", "root.key"):
        (store.ca / file).write_bytes(pem)
    assert "does not belong" in issue_refused(store)


def test_a_key_open_to_others_is_refused_with_the_command_that_mends_it(store: Any) -> None:
    store.ensure(store.want())
    (store.ca / "root.key").chmod(0o644)
    with pytest.raises(Unreadable, match="chmod 600"):
        store.read()


def test_ten_years_on_the_root_is_expired_and_nothing_is_issued(store: Any) -> None:
    store.ensure(store.want())
    before = sorted(store.base.rglob("*"))
    store.now += 3651 * DAY
    change = store.change(store.want())
    assert [field.path for field in change.diff.fields] == ["root"]
    assert change.diff.reason.startswith("ca_expired")
    outcome = store.ensure(store.want())
    assert outcome.result is Result.FAILED
    assert "ca_expired" in outcome.reason
    assert "mv " in outcome.reason
    assert "ca_expired" in "".join(store.provider.check())
    assert sorted(store.base.rglob("*")) == before


def test_ten_years_back_nothing_is_issued(store: Any) -> None:
    store.ensure(store.want())
    store.now -= 3650 * DAY
    assert store.differing(store.want()) == ["not_before"]
    assert "not valid before" in store.ensure(store.want()).reason
    assert "check the clock" in issue_refused(store)


def test_a_file_can_be_restored_while_the_root_cannot_sign(store: Any) -> None:
    store.ensure(store.want())
    (store.ca / "root.key").write_text("damaged")
    store.file().unlink()
    assert store.ensure(store.want()).result is Result.OK


def test_a_root_moved_aside_is_replaced_and_everything_is_issued_anew(store: Any, openssl: Callable[..., str]) -> None:
    old = store.ensure(store.want()).facts
    store.ca.rename(store.masters / "ca.old")
    assert store.differing(store.want()) == ["root"]
    new = store.ensure(store.want()).facts
    assert new["serial"] != old["serial"]
    openssl("verify", "-CAfile", store.ca / "root.crt", new["caddy"]["certificate"])
    openssl("verify", "-CAfile", store.ca / "root.crt", old["caddy"]["certificate"], ok=False)
    assert store.change(store.want()) is None
    shutil.rmtree(store.ca)
    with pytest.raises(Unreadable):
        store.read()


def test_a_lost_key_is_left_behind_by_moving_the_root_aside(store: Any) -> None:
    store.ensure(store.want())
    (store.ca / "root.key").unlink()
    store.ca.rename(store.masters / "ca.old")
    assert store.ensure(store.want()).result is Result.OK
    assert store.change(store.want()) is None


def test_a_run_killed_between_key_and_certificate_of_a_new_root_goes_on(store: Any) -> None:
    store.ca.mkdir(parents=True)
    (store.ca / "root.key").write_text("never signed anything")
    assert store.ensure(store.want()).result is Result.OK


def test_a_directory_that_cannot_be_listed_is_unknown(store: Any) -> None:
    store.ensure(store.want())
    shutil.rmtree(store.base / "nginx", ignore_errors=True)
    (store.base / "nginx").write_text("not a directory")
    with pytest.raises(Unreadable, match="cannot list"):
        store.read()


def test_a_user_who_does_not_exist_is_named(make_store: Callable[..., Any], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    store = make_store(copies={"caddy": {"dir": str(tmp_path / "caddy"), "user": "no-such-user"}})
    with pytest.raises(Unreadable, match="no-such-user"):
        store.read()


def test_doctor_finds_a_directory_others_can_write(store: Any) -> None:
    store.ensure(store.want())
    assert list(store.provider.check()) == []
    (store.base / "caddy").chmod(0o777)
    assert "chmod go-w" in "".join(store.provider.check())


def test_clients_find_the_root_at_root_path(store: Any) -> None:
    from conduit.providers.certs import root_path

    store.ensure(store.want())
    assert root_path(store.settings).read_bytes() == (store.ca / "root.crt").read_bytes()
