"""A site's manifests in a git work tree, and the store that edits them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conduit.errors import Code, ConduitError
from conduit.manifests.load import load
from conduit.manifests.store import ManifestStore, SetField
from conduit.manifests.tree import Tree
from conduit.model import Key
from conduit.providers.git import Author
from tests.conftest import run_program
from tests.manifests.page_kind import KINDS, NOW, settings_at

SAFE = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_EDITOR": "true"}
WHO = ("-c", "user.name=a", "-c", "user.email=a@home.arpa")
ANN = Author("Ann", "ann@home.arpa")
PAGES = "# all pages\npages:\n  wiki:\n    port: 80  # plain\n  pad: {port: 81}\n"
WIKI = Key("page", "wiki")


def git(place: Path, *words: str) -> str:
    """Run git in a directory, as somebody with no settings of their own."""
    done = run_program("git", *WHO, *words, cwd=place, env=os.environ | SAFE)
    assert done.code == 0, done
    return done.stdout


def save(place: Path, message: str = "save") -> None:
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--message", message)


def store_at(base: Path) -> ManifestStore:
    """The store of the site whose conduit.yaml lies in `base`."""
    settings = settings_at(base)

    def check(tree: Tree) -> Any:
        return load(tree, settings, KINDS, NOW).whole()  # type: ignore[arg-type]

    return ManifestStore(settings, KINDS, check)  # type: ignore[arg-type]


def site_at(base: Path) -> Path:
    """A committed site with two pages."""
    (base / "desired").mkdir(parents=True)
    (base / "desired/pages.yaml").write_text(PAGES)
    git(base, "init", "--quiet", "--initial-branch=main")
    save(base, "first")
    return base


def refused(call: Callable[[], Any]) -> Code:
    """With what code a call is refused."""
    with pytest.raises(ConduitError) as caught:
        call()
    return caught.value.diagnostics[0].code


def put(base: Path, port: int, **more: Any) -> Any:
    """Move the wiki to a port, as Ann."""
    return store_at(base).edit(WIKI, [SetField("port", port)], "Move the wiki", ANN, **more)
