"""Who calls the API, as far as it was recognised. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from conduit.identity.permissions import SINGLE, reaches

OWN_READ: Final = "own:read"
OWN_WRITE: Final = "own:write"
"""Permissions of everybody who was recognised: over the own account, sessions and second factor."""
OWN: Final = frozenset((OWN_READ, OWN_WRITE))


class Caller(Struct, frozen=True):
    """Somebody who was recognised, `by` what was shown. `address` is the peer's own.

    `user` is the account, empty for the key of the environment; `key` is the id of the API key that was shown or that a
    session was made with, `session` the hash of the session. `deployments` are the levels of those within reach, None
    for all there are.
    """

    name: str
    permissions: frozenset[str] = frozenset()
    admin: bool = False
    by: Literal["key", "token", "cookie", "anonymous"] = "key"
    address: str = ""
    user: str = ""
    key: str = ""
    session: str = ""
    deployments: Mapping[str, str] | None = None

    def may(self, permission: str) -> bool:
        """Return whether this caller holds a permission; nobody holds one that is empty."""
        if permission in OWN:
            return self.by != "anonymous"
        everything = self.admin and permission not in SINGLE
        return bool(permission) and (everything or permission in self.permissions)

    def reaches(self, deployment: str, level: str) -> bool:
        """Return whether this caller may do with a deployment what needs a level."""
        return self.deployments is None or reaches(self.deployments.get(deployment), level)
