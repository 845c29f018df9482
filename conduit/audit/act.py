"""What one entry of the audit trail says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import asdict

from conduit.model import NO_FIELDS

SUCCESS: Final = "success"
FAILURE: Final = "failure"
CONDUIT: Final = "conduit"
"""Who does what nobody asked for."""
LONGEST: Final = 2000
"""Characters kept of a message."""
LONGEST_WORD: Final = 256
"""Characters kept of a path, a name or what a client calls itself."""
Sort = Literal["user", "api_key", "system", "anonymous"]


class Asked(Struct, frozen=True):
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


class Act(Struct, frozen=True):
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
    details: Mapping[str, Any] = NO_FIELDS

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
