"""A site served with the built dashboard, and Debian's Chromium looking at it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from window import Window

from tests.api.api_world import Served, make_served
from tests.api.people_world import add_user
from tests.conftest import ROOT, missing

BUILT = ROOT / "ui" / "dist"
CHROMIUM = "/usr/bin/chromium"
QUIET = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update")


@pytest.fixture(scope="session")
def dashboard() -> Path:
    """The dashboard as `make ui-build` made it."""
    if not (BUILT / "index.html").is_file():
        missing("the dashboard is not built: make ui-build")
    return BUILT


@pytest.fixture(scope="session")
def browser(dashboard: Path) -> Iterator[Any]:
    """A Chromium without a window."""
    if not shutil.which(CHROMIUM):
        missing("chromium is not installed")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: make .venv/browser")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET])
        yield found
        found.close()


@pytest.fixture(scope="module")
def served(dashboard: Path) -> Iterator[Served]:
    """One site for the tests of a module, with an admin and a viewer."""
    with make_served(dashboard=str(dashboard)) as site:
        add_user(site, "ada", "admin")
        add_user(site, "eve", "viewer")
        yield site


@pytest.fixture
def stranger(browser: Any, served: Served) -> Iterator[Window]:
    """A window of somebody who is not signed in."""
    window = Window(browser, served.url)
    yield window
    window.close()


@pytest.fixture(scope="module")
def cookies(browser: Any, served: Served) -> Any:
    """What the browser keeps once ada signed in: logins are counted, so the tests of a module share one."""
    window = Window(browser, served.url)
    window.open("/")
    window.sign_in("ada")
    kept = window.context.storage_state()
    window.close()
    return kept


@pytest.fixture
def window(browser: Any, served: Served, cookies: Any) -> Iterator[Window]:
    """A window in which ada is signed in."""
    found = Window(browser, served.url, storage_state=cookies)
    yield found
    found.close()


@pytest.fixture
def hold(served: Served) -> Iterator[Callable[[], None]]:
    """`hold()` suspends the loop, else it puts right what a test breaks; afterwards it goes on."""

    def suspend() -> None:
        assert served.conduit("suspend", "--reason", "moving the rack").code == 0

    yield suspend
    assert served.conduit("resume").code == 0
