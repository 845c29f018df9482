"""Ways into a configuration of Caddy, which may have any shape. Pure."""

from __future__ import annotations

from typing import Any


def mapping(value: Any, *path: str) -> dict[str, Any]:
    """Return the mapping at a path of a configuration; empty when there is none."""
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def listing(value: Any, *path: str) -> list[Any]:
    """Return the list at a path of a configuration; empty when there is none."""
    found = mapping(value, *path[:-1]).get(path[-1])
    return found if isinstance(found, list) else []


def servers_of(config: Any) -> dict[str, dict[str, Any]]:
    """Return the HTTP servers of a configuration by name."""
    return mapping(config, "apps", "http", "servers")
