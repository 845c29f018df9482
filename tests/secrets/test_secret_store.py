"""The secrets store: values come back, and nothing else can be learned or slipped in."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from conduit.errors import ConduitError
from conduit.providers.keys import open_keys
from conduit.providers.secrets import Secrets, open_secrets
from conduit.settings import Settings

CANARY = "canary-7f3a-hunter2-äß"


def code(caught: pytest.ExceptionInfo[ConduitError]) -> str:
    return caught.value.diagnostics[0].code.id


@pytest.mark.parametrize("value", ["x", CANARY, "two\nlines\n", " spaced ", "{env.HOME}", "0", "x" * 65536])
def test_a_value_comes_back_as_it_was(store: Secrets, value: str) -> None:
    assert store.set("db", value) == "{secret: db}"
    assert store.get("db") == value


def test_forty_canaries_are_nowhere_in_clear(store: Secrets, tmp_path: Path) -> None:
    canaries = {f"s{number}": f"canary-{number}-{os.urandom(8).hex()}" for number in range(40)}
    for name, value in canaries.items():
        store.set(name, value)
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    shown = repr([store, store.list(), sorted(map(str, tmp_path.rglob("*")))])
    assert not [v for v in canaries.values() if v.encode() in written or v in shown]
    assert {name: store.get(name) for name in store.list()} == canaries


def test_files_are_private_and_outside_the_state_directory(store: Secrets, settings: Settings) -> None:
    store.set("db", CANARY)
    path = settings.keys_dir / "store" / "db.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not settings.state_dir.exists()


def test_the_same_value_is_sealed_differently_each_time(store: Secrets) -> None:
    path = store.directory / "db.secret"
    store.set("db", CANARY)
    first = path.read_bytes()
    store.set("db", CANARY)
    assert path.read_bytes() != first


def test_list_and_remove(store: Secrets) -> None:
    assert store.list() == ()
    store.set("b", "1")
    store.set("a", "2")
    (store.directory / ".conduit-c.secret.1.tmp").touch()
    (store.directory / "Not A Name.secret").touch()
    assert store.list() == ("a", "b")
    store.remove("b")
    assert store.list() == ("a",)
    with pytest.raises(ConduitError, match='"b" is not stored'):
        store.remove("b")


def test_a_missing_secret_says_how_to_store_it(store: Secrets) -> None:
    with pytest.raises(ConduitError, match="conduit secret set db") as caught:
        store.get("db")
    assert code(caught) == "CND-0902"


def refused(store: Secrets, name: str = "db") -> None:
    with pytest.raises(ConduitError, match=f'secret "{name}" does not open') as caught:
        store.get(name)
    assert code(caught) == "CND-0903"
    assert CANARY not in str(caught.value)


def test_every_changed_byte_is_noticed(store: Secrets) -> None:
    store.set("db", "abc")
    path = store.directory / "db.secret"
    sealed = path.read_bytes()
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        path.write_bytes(changed)
        refused(store)


@pytest.mark.parametrize("length", [0, 5, 17, 28, 29, 40])
def test_a_cut_file_is_noticed(store: Secrets, length: int) -> None:
    store.set("db", CANARY)
    path = store.directory / "db.secret"
    path.write_bytes(path.read_bytes()[:length])
    refused(store)


def test_a_file_renamed_to_another_secret_does_not_open(store: Secrets) -> None:
    store.set("db", CANARY)
    store.set("mail", "other")
    (store.directory / "db.secret").replace(store.directory / "mail.secret")
    refused(store, "mail")


def test_another_key_does_not_open_it(store: Secrets, settings: Settings) -> None:
    store.set("db", CANARY)
    (settings.keys_dir / "secrets.key").unlink()
    refused(open_secrets(settings, open_keys(settings)))


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../site", "a/b", "A", "a b", "a\n", "a\x00", "-a", "a" * 64, "ä", "env:", "env:A-B", "env:A=B",
     "file:", "file:relative", "http://x", "vault:x"],
)  # fmt: skip
def test_names_follow_the_grammar(store: Secrets, name: str, tmp_path: Path) -> None:
    with pytest.raises(ConduitError) as caught:
        store.get(name)
    assert code(caught) == "CND-0904"
    if ":" not in name:
        with pytest.raises(ConduitError):
            store.set(name, CANARY)
        with pytest.raises(ConduitError):
            store.remove(name)
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and p.name not in ("site.key", "secrets.key")]


@pytest.mark.parametrize("value", ["", CANARY * 6000, CANARY + "\udc80"])
def test_a_value_that_cannot_be_stored_is_refused_without_showing_it(store: Secrets, value: str) -> None:
    with pytest.raises(ConduitError, match='"db" is not text') as caught:
        store.set("db", value)
    assert CANARY not in str(caught.value)
    assert store.list() == ()


def test_a_reference_to_the_environment(store: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", CANARY)
    assert store.get("env:DB_PASSWORD") == CANARY
    monkeypatch.delenv("DB_PASSWORD")
    with pytest.raises(ConduitError, match="DB_PASSWORD"):
        store.get("env:DB_PASSWORD")


def test_a_reference_to_a_private_file(store: Secrets, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(CANARY + "\n")
    path.chmod(0o600)
    assert store.get(f"file:{path}") == CANARY


@pytest.mark.parametrize("state", ["open to others", "missing", "empty", "binary", "link", "directory"])
def test_a_file_that_is_not_fit_is_refused_without_showing_it(store: Secrets, tmp_path: Path, state: str) -> None:
    path = tmp_path / "token"
    if state == "directory":
        path.mkdir()
    elif state == "link":
        (tmp_path / "real").write_text(CANARY)
        path.symlink_to(tmp_path / "real")
    elif state != "missing":
        path.write_bytes({"empty": b"\n", "binary": CANARY.encode() + b"\xff"}.get(state, CANARY.encode()))
        path.chmod(0o644 if state == "open to others" else 0o600)
    with pytest.raises(ConduitError, match="token") as caught:
        store.get(f"file:{path}")
    assert CANARY not in str(caught.value)


def test_opening_the_store_does_not_load_cryptography() -> None:
    check = "import sys, conduit.providers.secrets, conduit.providers.keys; sys.exit('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], cwd=Path(__file__).parents[2], timeout=30, check=False)
    assert done.returncode == 0
