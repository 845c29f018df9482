"""Y14: whatever takes the place of a manifest between its check and its use, what is used is what was checked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conduit.engine import Engine
from conduit.errors import Stale
from conduit.manifests.known import Known
from conduit.manifests.settings_file import read_settings
from conduit.manifests.store import SetField
from conduit.manifests.tree import Tree
from conduit.recall import Recall
from tests.conftest import Site
from tests.manifests.store_world import ANN, PAGES, WIKI, git, save, site_at, store_at

SOAK = [pytest.mark.soak, pytest.mark.timeout(3600)]


def other_file(base: Path) -> None:
    """Somebody renames another text into place."""
    (base / "other").write_text(PAGES.replace("80", "6666"))
    (base / "other").rename(base / "desired/deep/pages.yaml")


def same_text(base: Path) -> None:
    """Somebody puts a link to the very same text there, which can be another one later."""
    (base / "same").write_bytes((base / "desired/deep/pages.yaml").read_bytes())
    (base / "desired/deep/pages.yaml").unlink()
    (base / "desired/deep/pages.yaml").symlink_to(base / "same")


def linked_directory(base: Path) -> None:
    """Somebody puts a link to a directory of theirs, with the same text in it, in the place of ours."""
    (base / "desired/deep").rename(base / "theirs")
    (base / "desired/deep").symlink_to(base / "theirs")


def no_directory(base: Path) -> None:
    """Somebody takes the directory away."""
    shutil.rmtree(base / "desired/deep")


@pytest.mark.parametrize("times", [25, pytest.param(250, marks=SOAK)])
@pytest.mark.parametrize("swap", [other_file, same_text, linked_directory, no_directory])
def test_y14_an_edit_is_not_saved_over_what_was_not_checked(
    tmp_path: Path, swap: Callable[[Path], None], times: int
) -> None:
    base = site_at(tmp_path / "site")
    (base / "desired/deep").mkdir()
    (base / "desired/pages.yaml").rename(base / "desired/deep/pages.yaml")
    save(base, "deeper")
    head = git(base, "rev-parse", "HEAD")
    kept = tmp_path / "kept"
    shutil.copytree(base / "desired", kept)

    def check(_tree: Tree) -> Any:
        swap(base)

    store = replace(store_at(base), check=check, known=Known())
    for number in range(times):
        with pytest.raises((Stale, OSError)):
            store.edit(WIKI, [SetField("port", 1000 + number)], "Move the wiki", ANN)
        assert git(base, "rev-parse", "HEAD") == head
        texts = [
            path.read_text() for path in (*base.glob("desired/deep/*"), *base.glob("theirs/*"), *base.glob("same"))
        ]
        assert not [text for text in texts if str(1000 + number) in text]
        assert not list(base.rglob(".conduit-*"))
        for left in ("desired", "theirs"):
            shutil.rmtree(base / left, ignore_errors=True)
        shutil.copytree(kept, base / "desired")


@pytest.mark.parametrize("times", [10, pytest.param(1000, marks=SOAK)])
@pytest.mark.parametrize("remembering", [False, True], ids=["a command", "a process that goes on"])
def test_y14_what_is_applied_is_what_was_planned(site: Site, times: int, remembering: bool) -> None:
    text = "dns_records:\n  one: {{name: one.home.arpa, value: 10.{}.{}.{}}}\n"
    engine = Engine(read_settings(site.settings_file), recall=Recall() if remembering else None)
    theirs = site.directory / "theirs"
    theirs.mkdir()
    for number in range(times):
        here = divmod(number, 250)
        site.write("records.yaml", text.format(1, *here))
        plan = engine.plan()
        assert engine.wish
        planned = engine.wish.manifests.digest
        (theirs / "records.yaml").write_text(text.format(2, *here))
        if number % 2:
            site.write("records.yaml", text.format(3, *here))
        else:
            shutil.rmtree(site.desired)
            site.desired.symlink_to(theirs)
        assert engine.apply(plan).result == "ok"
        assert site.dig("one.home.arpa") == [f"10.1.{here[0]}.{here[1]}"]
        assert engine.history.started()[-1].manifests == planned
        if site.desired.is_symlink():
            site.desired.unlink()
            site.desired.mkdir()
