"""The page visitors get while a site is down, the same whichever proxy shows it. Pure."""

from __future__ import annotations

from typing import Final

CONTENT_TYPE: Final = "text/html; charset=utf-8"

_START: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>Maintenance</title><h1>"
)
_END: Final = "</h1></html>"


def page(message: str) -> str:
    """Return the page that shows a message, without an end of line."""
    from html import escape

    return _START + escape(message) + _END


def message_of(text: str) -> str:
    """Return the message a page shows."""
    from html import unescape

    return unescape(text.removeprefix(_START).removesuffix(_END))
