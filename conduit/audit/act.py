"""What one entry of the audit trail says, and what of a request's body is kept. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

SUCCESS: Final = "success"
FAILURE: Final = "failure"
CONDUIT: Final = "conduit"
"""Who does what nobody asked for."""
LONGEST: Final = 2000
"""Characters kept of a message."""
LONGEST_BODY: Final = 10_000
"""Characters kept of a body."""
LONGEST_WORD: Final = 256
"""Characters kept of a path, a name or what a client calls itself."""
HIDDEN: Final = "[redacted]"
WORDS: Final = "password|token|secret|api_?key|authorization|totp|recovery|passphrase|private_?key"
SECRET: Final = re.compile(WORDS, re.IGNORECASE)
"""What makes the value of a key one that is not kept."""
SECRET_LINE: Final = re.compile(rf"((?:{WORDS})[^\s:=]{{0,64}}[:= \t])[^\n]*", re.IGNORECASE)
"""What follows such a word in a line of a text: `KEY: value` of a Compose file, `--option value` of a command.

Bounded, so that no text makes it slow.
"""
USER_INFO: Final = re.compile(r"://[^/\s@]*@")
"""User and password in a URL (RFC 3986 section 3.2.1)."""

Sort = Literal["user", "api_key", "system", "anonymous"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The request an act answers: `resource` and `name` tell what it is about, `body` is redacted JSON.

    `status` is that of the answer, `milliseconds` the time until it left.
    """

    method: str
    path: str
    resource: str = ""
    name: str = ""
    request: str = ""
    agent: str = ""
    body: str = ""
    status: int = 0
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Act:
    """One entry: what was done (`event`), whether it worked, in words, by whom and from where.

    `action` is the same in the words of the documented API, `<resource>[_<sub>].<list|read|create|update|delete>`.
    `key` is the id of the API key that was shown.
    """

    event: str
    status: str
    message: str
    user: str
    address: str = ""
    sort: Sort = "system"
    key: str = ""
    action: str = ""
    asked: Asked | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """Return what goes into the trail."""
        asked = {"asked": asdict(self.asked)} if self.asked else {}
        return {
            "action": self.action or f"system_{self.event}.update",
            "status": self.status,
            "message": self.message[:LONGEST],
            "user": self.user[:LONGEST_WORD],
            "address": self.address,
            "sort": self.sort,
            "key": self.key,
            "details": dict(self.details),
            **asked,
        }


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
            return USER_INFO.sub(f"://{HIDDEN}@", SECRET_LINE.sub(rf"\1 {HIDDEN}", value))
        case list():
            return [redacted(each) for each in value]
        case dict():
            named = any(isinstance(value.get(word), str) and SECRET.search(value[word]) for word in ("name", "key"))
            return {key: _kept(key, each, hide=named and key == "value") for key, each in value.items()}
    return value


def _kept(key: str, value: Any, *, hide: bool) -> Any:
    """Return the value of one key; `hide` is for a variable that is written as name and value."""
    return HIDDEN if hide or SECRET.search(key) else redacted(value)
