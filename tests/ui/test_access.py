"""Who uses a keyboard, a phone, the dark, or a screen reader."""

from __future__ import annotations

from typing import Any

import pytest
from window import Window

pytestmark = pytest.mark.soak

PAGES = [
    *("/", "/services", "/services/new", "/services/wiki", "/plan", "/drift", "/runs", "/runs/1", "/certificates"),
    *("/dns", "/routes", "/audit", "/people", "/nowhere"),
]


@pytest.fixture(scope="module", autouse=True)
def _busy(served: Any) -> None:
    """Let every page have something to show: a drift, a pending change, a service that is down, a suspension."""
    assert served.register("wiki")["ok"]
    served.api("POST", "/api/services", {"name": "down", "host": "127.0.0.1:9"})
    assert served.conduit("suspend", "--reason", "moving the rack").code == 0
    served.forget_route("wiki.home.arpa")
    served.write("more.yaml", f"services:\n  pending: {{upstream: '{served.echo}'}}\n")


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_in_light_or_dark_and_nothing_is_too_wide(window: Window, path: str) -> None:
    for width, scheme in ((1200, "light"), (360, "dark"), (360, "light"), (1200, "dark")):
        window.page.set_viewport_size({"width": width, "height": 780})
        window.page.emulate_media(color_scheme=scheme)
        window.open(path)
        window.page.get_by_text("Suspended", exact=True).wait_for()
        window.page.locator(".loading").first.wait_for(state="detached")
        assert window.faults() == [], (width, scheme)
        assert not window.too_wide(), (width, scheme)


def test_axe_finds_nothing_where_one_signs_in_or_approves(stranger: Window, window: Window) -> None:
    stranger.open("/")
    stranger.page.get_by_label("User name").wait_for()
    assert stranger.faults() == []
    window.open("/plan")
    window.press("Apply this plan")
    window.page.get_by_role("dialog").wait_for()
    assert window.faults() == []


def test_everything_is_done_by_keyboard(window: Window) -> None:
    keys, focused = window.page.keyboard, "document.activeElement.textContent.trim()"
    window.open("/")
    keys.press("Tab")
    assert window.page.evaluate(focused) == "Skip to the content"
    keys.press("Enter")
    assert window.page.evaluate("document.activeElement.id") == "content"
    window.page.get_by_role("link", name="Plan").first.focus()
    keys.press("Enter")
    window.page.get_by_role("button", name="Apply this plan").wait_for()
    assert window.page.evaluate(focused) == "Plan", "the focus is on the heading of the new page"
    window.page.get_by_role("button", name="Apply this plan").focus()
    keys.press("Enter")
    window.page.get_by_role("dialog").wait_for()
    assert window.page.evaluate("document.activeElement.closest('dialog') !== null")
    keys.press("Escape")
    window.page.get_by_role("dialog").wait_for(state="detached")
    assert window.page.evaluate(focused) == "Apply this plan", "the focus is where it was"


def test_the_menu_of_a_phone_opens_and_closes(window: Window) -> None:
    window.page.set_viewport_size({"width": 360, "height": 780})
    window.open("/")
    link = window.page.get_by_role("link", name="Certificates").and_(window.page.locator("nav a"))
    assert not link.is_visible()
    window.press("Menu")
    link.click()
    window.page.get_by_role("heading", name="Certificates", level=1).wait_for()
    assert not link.is_visible()
