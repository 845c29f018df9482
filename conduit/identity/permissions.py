"""The permissions there are, the roles that are built in, and what somebody may do. Pure.

A permission is `<resource>:<read|write|delete>`, or one of the few that are given one by one. What a role permits
follows the documented API's table; resources of conduit's own are permitted in the same spirit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

VERBS: Final = ("read", "write", "delete")
CONTAINERS: Final = ("containers", "deployments", "images", "volumes")
SITES: Final = ("certificates", "dns", "routes", "services")
KEPT: Final = ("backups", "databases", "registries", "scheduler")
HOST: Final = ("infrastructure", "servers", "system")
OPERATED: Final = (*CONTAINERS, *SITES, *KEPT, *HOST)
"""What an operator reads and writes; only an admin deletes."""
WATCHED: Final = ("networks", "security", "templates", "traffic")
"""What an operator reads."""
LOOKED_AT: Final = (*OPERATED, *WATCHED)
"""What a viewer reads."""
GUARDED: Final = ("apikeys", "audit", "settings", "users")
"""What concerns people and conduit itself."""
SINGLE: Final = frozenset({"certificates:export", "databases:query", "docker:dangerous"})
"""Permissions that no role brings along: whoever is to have one is given it by name."""

PERMISSIONS: Final = frozenset(f"{each}:{verb}" for each in (*LOOKED_AT, *GUARDED) for verb in VERBS) | SINGLE
"""Every permission there is."""

ADMIN: Final = "admin"
ROLES: Final[Mapping[str, frozenset[str]]] = {
    ADMIN: PERMISSIONS - SINGLE,
    "operator": frozenset(
        [
            *(f"{each}:{verb}" for each in OPERATED for verb in ("read", "write")),
            *(f"apikeys:{verb}" for verb in VERBS),
            *(f"{each}:read" for each in (*WATCHED, "settings")),
        ]
    ),
    "viewer": frozenset(f"{each}:read" for each in (*LOOKED_AT, "apikeys", "settings")),
    "auditor": frozenset({"audit:read", "system:read"}),
}
"""The roles every site has, and what they permit."""

LEVELS: Final = ("read", "write", "admin")
"""How far a grant goes for one deployment; each includes those before it."""


def permission(text: str) -> str:
    """A permission there is. Raises ValueError."""
    if text not in PERMISSIONS:
        raise ValueError("use a documented permission, for example deployments:write; see docs/identity.md")
    return text


def rights(role: str, custom: Iterable[str], declared: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Return all that a role and custom permissions permit; `declared` are the roles that are not built in.

    A role nobody knows permits nothing.
    """
    own = ROLES.get(role)
    return frozenset(own if own is not None else declared.get(role, ())) | frozenset(custom)


def reaches(level: str | None, wanted: str) -> bool:
    """Return whether a grant of one level allows what needs another; none at all allows nothing."""
    return level in LEVELS and LEVELS.index(level) >= LEVELS.index(wanted)


def highest(levels: Iterable[str]) -> str | None:
    """Return the level that goes farthest, None of none."""
    return max(levels, key=LEVELS.index, default=None)
