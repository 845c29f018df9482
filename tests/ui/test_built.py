"""What `make ui-build` made, as `conduit serve` hands it to a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, run_program

pytestmark = pytest.mark.soak


def test_every_address_is_the_dashboards_own_page(served: Any) -> None:
    for path in ("/", "/services", "/services/wiki", "/runs/7", "/anything/else"):
        page = served.client.get(path, headers={"X-API-Key": ""})
        assert page.status_code == 200
        assert '<div id="root">' in page.text
        assert page.headers["cache-control"] == "no-store"


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(served: Any) -> None:
    text = served.client.get("/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", text)
    addresses = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert addresses
    assert all(each.startswith("/") and not each.startswith("//") for each in addresses)


def test_files_are_named_by_their_content_and_kept(served: Any, dashboard: Path) -> None:
    files = [path.name for path in (dashboard / "assets").iterdir()]
    assert files
    for name in files:
        assert re.search(r"-[\w-]{8}\.(js|css)$", name), name
        assert "immutable" in served.client.get(f"/assets/{name}").headers["cache-control"]


def test_building_again_does_nothing() -> None:
    before = (ROOT / "ui" / "dist" / "index.html").stat().st_mtime_ns
    done = run_program("make", "-s", "ui-build", cwd=ROOT)
    assert (done.code, done.stdout) == (0, "")
    assert (ROOT / "ui" / "dist" / "index.html").stat().st_mtime_ns == before


def test_a_wheel_has_it_inside(tmp_path: Path) -> None:
    built = run_program(
        str(ROOT / ".venv/bin/python"), "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path), cwd=ROOT
    )
    assert built.code == 0, built
    (wheel,) = tmp_path.glob("*.whl")
    names = run_program("python3", "-m", "zipfile", "-l", str(wheel)).stdout
    assert "conduit/ui/index.html" in names
    assert "conduit/ui/assets/" in names
