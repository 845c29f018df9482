"""The dashboard for whom nobody knows yet: the first admin, and who only looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from window import Window

from tests.api.api_world import KEY, make_served
from tests.api.people_world import PASSWORD

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def served(dashboard: Path) -> Iterator[Any]:
    """A site that anybody on the machine may read, and nobody can sign in to."""
    with make_served(dashboard=str(dashboard), anonymous_read=True) as site:
        yield site


def test_reading_is_open_and_changing_is_not(stranger: Window, served: Any) -> None:
    stranger.open("/services")
    stranger.press("Look without signing in")
    stranger.page.get_by_text("No service is declared yet.").wait_for()
    stranger.page.get_by_text("reading only").wait_for()
    assert stranger.page.get_by_role("link", name="Register a service").count() == 0


def test_an_api_key_signs_in(stranger: Window) -> None:
    stranger.open("/")
    stranger.press("Sign in with an API key")
    stranger.page.get_by_label("API key", exact=True).fill(KEY)
    stranger.press("Sign in", exact=True)
    stranger.page.get_by_role("navigation").wait_for()
    stranger.open("/services/new")
    stranger.page.get_by_role("button", name="Register").wait_for()


def test_the_first_admin_is_made_with_the_token_of_the_machine(stranger: Window, served: Any) -> None:
    served.stop()
    served.serve(CONDUIT_API_KEY="")
    token = (served.directory / "state" / "bootstrap-token").read_text().split("\n")[0]
    stranger.open("/")
    stranger.page.get_by_label("Bootstrap token").fill(token)
    stranger.page.get_by_label("User name").fill("ada")
    stranger.page.get_by_label("Password").fill("short")
    stranger.press("Make the first admin")
    stranger.page.get_by_role("alert").wait_for()
    assert stranger.faults() == []
    stranger.page.get_by_label("Password").fill(PASSWORD)
    stranger.press("Make the first admin")
    stranger.sign_in("ada")
    assert "role: admin" in "".join(path.read_text() for path in served.desired.rglob("*.yaml"))
