"""Entries as the documented API shows them, and how it chooses among them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from conduit.audit.act import SUCCESS
from conduit.chain import Entry

NO_REQUEST: Final[Mapping[str, Any]] = {}


def event_of(entry: Entry) -> dict[str, Any]:
    """Return an entry as an AuditEvent; what it does not have is left out.

    Its uuid follows from its hash, so it is the same for whoever reads the trail.
    """
    data = entry.data
    asked: Mapping[str, Any] = data.get("asked", NO_REQUEST)
    success = data["status"] == SUCCESS
    maybe = {
        "actor_id": data["user"],
        "actor_name": data["user"],
        "api_key_prefix": _prefix(data["key"]),
        "resource_type": resource_of(entry),
        "resource_id": name_of(entry),
        "user_agent": asked.get("agent", ""),
        "request_id": asked.get("request", ""),
        "request_body": asked.get("body", ""),
        "error_message": "" if success else data["message"],
        "metadata": {"event": entry.event, "message": data["message"], **data["details"]},
    }
    return {
        "id": entry.seq,
        "event_id": uuid_of(entry),
        "timestamp": entry.time,
        "actor_type": data["sort"],
        "action": data["action"],
        "method": asked.get("method", ""),
        "path": asked.get("path", ""),
        "client_ip": data["address"],
        "response_status": asked.get("status", 0),
        "response_time_ms": asked.get("milliseconds", 0),
        "success": success,
        **{name: value for name, value in maybe.items() if value},
    }


def uuid_of(entry: Entry) -> str:
    """Return the uuid of an entry, of version 8: made of its hash (RFC 9562 section 5.8)."""
    digits = entry.hash[:32]
    return str(UUID(f"{digits[:12]}8{digits[13:16]}8{digits[17:]}"))


def resource_of(entry: Entry) -> str:
    """Return what sort of thing an entry is about."""
    asked: Mapping[str, Any] = entry.data.get("asked", NO_REQUEST)
    return str(asked.get("resource") or _address(entry)[0] or "system")


def name_of(entry: Entry) -> str:
    """Return which one an entry is about, "" when it is about no single one."""
    asked: Mapping[str, Any] = entry.data.get("asked", NO_REQUEST)
    return str(asked.get("name") or _address(entry)[1])


def _prefix(key: str) -> str:
    """Return how a key begins whose id is known; that of the environment has none."""
    return f"cdt_{key}..." if key and ":" not in key else ""


def _address(entry: Entry) -> tuple[str, str]:
    kind, _, name = str(entry.data["details"].get("address", "")).partition("/")
    return kind, name
