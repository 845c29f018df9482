"""The keys of a site: made once, private, and what is signed with them."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from conduit.errors import ConduitError
from conduit.model import Key
from conduit.providers.files import write_file
from conduit.providers.keys import open_keys
from conduit.settings import Settings

ROOT = Path(__file__).parents[2]
WIKI = Key("route", "wiki")
FIRST_RUN = """
import sys
from conduit.model import Key
from conduit.providers.keys import open_keys
from conduit.settings import Settings
sys.stdin.read()
keys = open_keys(Settings(keys_dir=sys.argv[1]))
print(keys.mark(Key("route", "wiki"), "route", "wiki"), keys.secrets.hex())
"""


def test_keys_are_made_once_and_private(settings: Settings) -> None:
    first, second = open_keys(settings), open_keys(settings)
    assert (first.signing, first.secrets) == (second.signing, second.secrets)
    assert first.signing != first.secrets
    directory = settings.keys_dir
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in directory.iterdir()} == {
        "site.key": 0o600,
        "secrets.key": 0o600,
    }


def test_first_runs_at_the_same_moment_agree(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", FIRST_RUN, str(tmp_path / "keys")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(6)
    ]
    for run in runs:
        assert run.stdin
        run.stdin.close()
    printed = set()
    for run in runs:
        assert run.stdout
        printed.add(run.stdout.read())
        assert run.wait(30) == 0
    assert len(printed) == 1
    assert sorted(p.name for p in (tmp_path / "keys").iterdir()) == ["secrets.key", "site.key"]


def test_the_key_of_a_quicker_first_run_is_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    rival = bytes(range(32))

    def write(path: Path, content: bytes) -> None:
        for name, written in ((path.name, content), ("site.key", rival), ("secrets.key", rival)):
            write_file(path.with_name(name), written)

    monkeypatch.setattr("conduit.providers.keys.write_file", write)
    keys = open_keys(settings)
    assert (keys.signing, keys.secrets) == (rival, rival)


@pytest.mark.parametrize("file", ["site.key", "secrets.key", "."])
def test_a_key_open_to_others_is_refused_with_the_command_that_mends_it(settings: Settings, file: str) -> None:
    open_keys(settings)
    path = settings.keys_dir / file
    path.chmod(path.stat().st_mode | 0o040)
    with pytest.raises(ConduitError, match=r"chmod [67]00") as caught:
        open_keys(settings)
    assert caught.value.diagnostics[0].code.id == "CND-0901"


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33, b"x" * 5000])
def test_a_key_of_the_wrong_length_is_refused_and_kept(settings: Settings, content: bytes) -> None:
    open_keys(settings)
    (settings.keys_dir / "site.key").write_bytes(content)
    with pytest.raises(ConduitError):
        open_keys(settings)
    assert (settings.keys_dir / "site.key").read_bytes() == content


def test_a_linked_key_is_refused(settings: Settings, tmp_path: Path) -> None:
    open_keys(settings)
    key = settings.keys_dir / "site.key"
    key.rename(tmp_path / "elsewhere")
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConduitError, match="symbolic link"):
        open_keys(settings)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_of_another_user_is_refused(settings: Settings) -> None:
    open_keys(settings)
    os.chown(settings.keys_dir / "site.key", 65534, 65534)
    with pytest.raises(ConduitError, match="belongs to user 65534"):
        open_keys(settings)


def test_a_file_in_place_of_the_directory_is_named(settings: Settings) -> None:
    settings.keys_dir.write_text("")
    with pytest.raises(ConduitError, match="keys"):
        open_keys(settings)


def test_a_mark_fits_one_part_of_one_object_of_one_site(settings: Settings) -> None:
    keys = open_keys(settings)
    other = open_keys(settings.model_copy(update={"site": "other"}))
    marks = [
        keys.mark(WIKI, "route", "wiki"),
        keys.mark(Key("vhost", "wiki"), "route", "wiki"),
        keys.mark(Key("route", "blog"), "route", "wiki"),
        keys.mark(WIKI, "certificate", "wiki"),
        keys.mark(WIKI, "route", "copied"),
        other.mark(WIKI, "route", "wiki"),
    ]
    assert len(set(marks)) == len(marks)
    assert all(len(mark) == 20 for mark in marks)
    assert keys.mark(WIKI, "route", "wiki") == marks[0]


def test_a_fingerprint_tells_change_and_needs_the_key(settings: Settings, tmp_path: Path) -> None:
    keys = open_keys(settings)
    assert len(keys.fingerprint("hunter2")) == 16
    assert keys.fingerprint("hunter2") == keys.fingerprint("hunter2")
    assert keys.fingerprint("hunter2") != keys.fingerprint("hunter3")
    stranger = open_keys(Settings(keys_dir=str(tmp_path / "strange")))
    assert stranger.fingerprint("hunter2") != keys.fingerprint("hunter2")


def test_keys_are_never_printed(settings: Settings) -> None:
    keys = open_keys(settings)
    assert repr(keys.signing) not in repr(keys)
    assert repr(keys.secrets) not in f"{keys} {[keys]}"
