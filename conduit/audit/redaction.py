"""What of a request's body, and of other texts, may stand in the audit trail: nothing that is secret. Pure."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from conduit.patterns import pattern

LONGEST_BODY: Final = 10_000
"""Characters kept of a body."""
HIDDEN: Final = "[redacted]"
WORDS: Final = (
    "password|token|secret|api_?key|authorization|totp|recovery|passphrase|private_?key|basic_?auth|credential"
)
SECRET: Final = pattern(WORDS, re.IGNORECASE)
"""What makes the value of a key one that is not kept."""
SECRET_LINE: Final = pattern(rf"((?:{WORDS})[^\s:=]{{0,64}}[:= \t])[^\n]*", re.IGNORECASE)
"""What follows such a word in a line of a text: `KEY: value` of a Compose file, `--option value` of a command.

Bounded, so that no text makes it slow.
"""
PRIVATE_KEY: Final = pattern(r"-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY-----.*", re.DOTALL)
"""A private key and all behind it (RFC 7468)."""
USER_INFO: Final = pattern(r"://[^/\s@]*@")
"""User and password in a URL (RFC 3986 section 3.2.1)."""


def redacted_body(body: bytes) -> str:
    """Return what is kept of a body: JSON without the values of secret keys, at most `LONGEST_BODY` characters.

    Of a body that is not JSON only its size is told.
    """
    if not body:
        return ""
    try:
        return json.dumps(redacted(json.loads(body)), ensure_ascii=False)[:LONGEST_BODY]
    except (ValueError, RecursionError):
        return f"[{len(body)} bytes]"


def redacted(value: Any) -> Any:
    """Return JSON-like data without what its keys say is secret, in texts of `key: value` lines as well."""
    match value:
        case str():
            lines = SECRET_LINE.sub(rf"\1 {HIDDEN}", PRIVATE_KEY.sub(HIDDEN, value))
            return USER_INFO.sub(f"://{HIDDEN}@", lines)
        case list():
            return [redacted(each) for each in value]
        case dict():
            named = any(isinstance(value.get(word), str) and SECRET.search(value[word]) for word in ("name", "key"))
            return {key: _kept(key, each, hide=named and key == "value") for key, each in value.items()}
    return value


def _kept(key: str, value: Any, *, hide: bool) -> Any:
    """Return the value of one key; `hide` is for a variable that is written as name and value."""
    return HIDDEN if hide or SECRET.search(key) else redacted(value)
