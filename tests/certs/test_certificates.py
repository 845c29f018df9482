"""The kind `certificate` on real files, judged by openssl and stat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conduit.change import Result
from conduit.model import Key


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


def test_an_unknown_consumer_is_refused_alone_and_names_the_setting(store: Any) -> None:
    outcomes = store.apply(store.want("blog", consumers=["haproxy"]), store.want())
    failed = outcomes[Key("certificate", "blog")]
    assert failed.result is Result.FAILED
    assert "haproxy" in failed.reason
    assert "copies" in failed.reason
    assert outcomes[Key("certificate", "wiki")].result is Result.OK
