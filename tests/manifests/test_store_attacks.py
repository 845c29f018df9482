"""What a repository, or somebody beside it, may try on an edit: nothing is executed, followed or overwritten."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from conduit.errors import ConduitError
from conduit.manifests.saving import MOVED
from conduit.manifests.store import SetField
from conduit.model import Key
from conduit.providers.git import GIT_FAILED
from tests.manifests.store_world import ANN, PAGES, WIKI, git, put, refused, store_at

HOOKS = ("pre-commit", "commit-msg", "post-commit", "reference-transaction", "post-index-change", "post-checkout")


def test_y13_nothing_of_a_repository_is_executed(base: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    program.chmod(0o755)
    hooks = base / ".git/hooks"
    for name in HOOKS:
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
    (base / ".gitattributes").write_text("*.yaml filter=evil diff=evil text eol=crlf ident\n")
    git(base, "-c", "core.hooksPath=/dev/null", "add", ".gitattributes")
    git(base, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--message", "attributes")
    settings = {
        "core.fsmonitor": str(program),
        "filter.evil.clean": str(program),
        "filter.evil.smudge": str(program),
        "filter.evil.process": str(program),
        "diff.evil.command": str(program),
        "core.sshCommand": str(program),
        "core.pager": str(program),
        "core.editor": str(program),
        "gpg.program": str(program),
        "commit.gpgSign": "true",
        "core.autocrlf": "true",
    }
    for name, value in settings.items():
        (base / ".git/config").open("a").write("[{}{}]\n\t{} = {}\n".format(*_split(name), value))
    git(base, "status")
    assert canary.exists(), "git itself executes what the repository names"
    canary.unlink()
    put(base, 8080)
    assert not canary.exists()
    committed = run_show(base)
    assert committed == (base / "desired/pages.yaml").read_bytes() == PAGES.replace(": 80 ", ": 8080 ").encode()


def _split(name: str) -> tuple[str, str, str]:
    section, *middle, key = name.split(".")
    return section, f' "{middle[0]}"' if middle else "", key


def run_show(base: Path) -> bytes:
    words = ["git", "-c", "core.fsmonitor=false", "cat-file", "blob", "HEAD:desired/pages.yaml"]
    return subprocess.run(words, cwd=base, capture_output=True, check=True, timeout=60).stdout


def test_y13_a_repository_of_somebody_else_is_refused(base: Path) -> None:
    for path in (base, *base.rglob("*")):
        os.lchown(path, 65534, 65534)
    assert refused(lambda: put(base, 8080)) is GIT_FAILED
    assert (base / "desired/pages.yaml").read_text() == PAGES


def test_y14_a_file_swapped_between_check_and_commit_is_not_overwritten(base: Path) -> None:
    store = store_at(base)
    path = base / "desired/pages.yaml"

    def swap(tree: Any) -> None:
        path.write_text("pages:\n  theirs: {}\n")

    meddled = type(store)(store.settings, store.kinds, swap)
    assert refused(lambda: meddled.edit(WIKI, [SetField("port", 1)], "No", ANN)) is MOVED
    assert path.read_text() == "pages:\n  theirs: {}\n"
    assert git(base, "rev-list", "--count", "HEAD").strip() == "1"


def test_y14_a_directory_swapped_for_a_link_is_refused(base: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (base / "desired/pages").symlink_to(outside)
    with pytest.raises(ConduitError):
        store_at(base).edit(Key("page", "new"), [SetField("", {})], "No", ANN)
    assert list(outside.iterdir()) == []
