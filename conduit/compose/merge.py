"""How one service is laid over another: the merging rules of the Compose Specification. Pure.

Both are in their long forms. Mappings are merged, lists joined, and what follows replaces what it stands for: a
command, a health check's test, the options of another log driver, a mount at the same target, the same published port.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conduit.compose.nodes import Node

REPLACED: Final = frozenset(("command", "entrypoint", "test"))


def _field(*fields: str) -> Callable[[Any], Any]:
    return lambda item: tuple(item.get(field) for field in fields) if isinstance(item, dict) else str(item)


def published_port(item: Any) -> Any:
    """Return what makes a published port the same as another one, however it is written."""
    if not isinstance(item, dict):
        return str(item)
    defaults = {"host_ip": None, "published": "", "protocol": "tcp"}
    return (str(item.get("target")), *(str(item.get(field, value)) for field, value in defaults.items()))


IDENTITY: Final[dict[str, Callable[[Any], Any]]] = {
    "ports": published_port,
    **dict.fromkeys(("volumes", "secrets", "configs", "devices"), _field("target")),
}
"""By what two items of a list are the same."""


def merge(base: Node, over: Node, field: str = "") -> Node:
    """Return `base` with `over` laid over it; `field` is the key both stand under."""
    if field in REPLACED or type(base.value) is not type(over.value):
        return over
    if isinstance(over.value, dict):
        return _merged_mapping(base, over, field)
    return over.holding(_joined(base.value, over.value, field)) if isinstance(over.value, list) else over


def _merged_mapping(base: Node, over: Node, field: str) -> Node:
    drivers = [node.get("driver") for node in (base, over)]
    if field == "logging" and all(drivers) and len({node.value for node in drivers if node}) > 1:
        return over
    merged = {key: merge(item, over.value[key], key) if key in over.value else item for key, item in base.items}
    return over.holding({**merged, **{key: item for key, item in over.items if key not in merged}})


def _joined(base: list[Node], over: list[Node], field: str) -> list[Node]:
    """Return both lists as one; a later item takes the place of the same earlier one."""
    identity = IDENTITY.get(field, repr)
    kept: dict[Any, Node] = {}
    for item in (*base, *over):
        kept[identity(item.plain())] = item
    return list(kept.values())
