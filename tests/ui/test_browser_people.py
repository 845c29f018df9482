"""Signing in to the dashboard, and what it offers to whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from window import Window

from tests.api import people_world

pytestmark = pytest.mark.soak


def test_signing_in_leads_to_where_one_wanted_to_go(stranger: Window) -> None:
    stranger.open("/services")
    assert stranger.page.get_by_role("navigation").count() == 0
    stranger.sign_in("ada")
    stranger.page.get_by_role("heading", name="Services", level=1).wait_for()
    assert stranger.page.evaluate("document.cookie") == "", "no script can read the session"
    stranger.press("Sign out")
    stranger.page.get_by_label("User name").wait_for()


def test_a_wrong_password_is_told(stranger: Window) -> None:
    stranger.open("/")
    stranger.page.get_by_label("User name").fill("nobody")
    stranger.page.get_by_label("Password").fill("not the password")
    stranger.press("Sign in", exact=True)
    stranger.page.get_by_role("alert").get_by_text("wrong user name, password or key").wait_for()


def test_a_second_factor_is_asked_for(stranger: Window, served: Any) -> None:
    people_world.add_user(served, "joe", "operator")
    people_world.enrol(served, "joe")
    app = people_world.APPS["joe"]
    confirmed = people_world.ask(
        served, people_world.minted(served, "joe"), "/api/auth/totp/confirm", "POST", json={"totp": app.now()}
    )
    stranger.open("/")
    stranger.sign_in("joe", totp=confirmed.json()["recovery_codes"][0])
    stranger.page.get_by_text("joe", exact=True).wait_for()


def test_a_viewer_is_offered_no_change(stranger: Window, served: Any, hold: Callable[[], None]) -> None:
    assert served.register("looked-at")["ok"]
    hold()
    served.forget_route("looked-at.home.arpa")
    stranger.open("/drift")
    stranger.sign_in("eve")
    stranger.row("route/looked-at").wait_for()
    for name in ("Put everything back", "Accept"):
        assert stranger.page.get_by_role("button", name=name).count() == 0
    stranger.page.get_by_role("link", name="Services").click()
    stranger.row("looked-at").wait_for()
    assert stranger.page.get_by_role("link", name="Register a service").count() == 0


def test_a_session_that_ended_leads_back_to_signing_in(stranger: Window, served: Any) -> None:
    stranger.open("/services")
    stranger.sign_in("ada")
    people_world.change_user(served, "ada")
    stranger.page.get_by_role("link", name="Certificates").click()
    stranger.page.get_by_label("User name").wait_for()
