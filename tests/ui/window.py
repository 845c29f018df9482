"""One window of the browser: what a person does in it, and what nobody should have to see."""

from __future__ import annotations

from typing import Any, Final

from tests.api.people_world import PASSWORD
from tests.conftest import ROOT

AXE: Final = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
EXPECTED: Final = "Failed to load resource"
"""How Chromium logs an answer of 4xx; whatever else it complains of is a fault."""
VIOLATIONS: Final = "async () => (await axe.run()).violations.map(each => [each.id, each.nodes.map(node => node.html)])"


class Window:
    """A page of a context of its own. Complaints of the browser fail the test when the window is closed."""

    def __init__(self, browser: Any, url: str, **options: Any) -> None:
        self.url = url
        self.context = browser.new_context(viewport={"width": 1200, "height": 900}, **options)
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(EXPECTED):
            self.complaints.append(message.text)

    def close(self) -> None:
        """Close it. Raises AssertionError for an error of a script or a breach of the content security policy."""
        self.context.close()
        assert self.complaints == []

    def open(self, path: str) -> None:
        """Go to a page by its address."""
        self.page.goto(self.url + path)
        self.page.get_by_role("heading", level=1).wait_for()

    def sign_in(self, name: str, password: str = PASSWORD, totp: str = "") -> None:
        """Sign in on the page that asks for it."""
        self.page.get_by_role("form", name="Sign in", exact=True).wait_for()
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.press("Sign in", exact=True)
        if totp:
            self.page.get_by_label("Code of your authenticator app").fill(totp)
            self.press("Sign in", exact=True)
        self.page.get_by_role("navigation").wait_for()

    def press(self, name: str, **options: Any) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, **options).click()

    def counts(self, card: str) -> dict[str, int]:
        """Return the numbers in one card of the overview."""
        found = self.page.locator(".card", has=self.page.get_by_role("heading", name=card, exact=True))
        names, numbers = found.locator("dt").all_inner_texts(), found.locator("dd").all_inner_texts()
        return {name: int(number) for name, number in zip(names, numbers, strict=True)}

    def row(self, words: str) -> Any:
        """Return the row of a table that has these words."""
        return self.page.get_by_role("row").filter(has_text=words)

    def faults(self) -> list[Any]:
        """Return what axe finds on the page, evaluated by the debugger: the page itself allows no such script."""
        self.context.new_cdp_session(self.page).send("Runtime.evaluate", {"expression": AXE.read_text()})
        found: list[Any] = self.page.evaluate(VIOLATIONS)
        return found

    def too_wide(self) -> bool:
        """Return whether the page scrolls sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
