"""What a caller reaches beside permissions: of what lives in Docker, the deployments that were granted. Pure."""

from __future__ import annotations

from typing import Final

from conduit.identity.caller import Caller
from conduit.model import Key

CONTAINED: Final = frozenset(("deployment", "container", "image", "network", "volume"))
"""What lives in Docker: whoever is no admin reaches it as part of a deployment alone."""

PEOPLE: Final = frozenset(("user", "role", "grant"))
"""What says who may do what: natively for admins alone; others have the documented routes, which weigh each change."""


def within(caller: Caller, key: Key, level: str = "read") -> bool:
    """Return whether a caller reaches a declared resource for what needs a level."""
    if caller.deployments is None or key.kind not in CONTAINED:
        return True
    return key.kind == "deployment" and caller.reaches(key.name, level)
