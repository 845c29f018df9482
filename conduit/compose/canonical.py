"""One file's services and shared objects in their long forms, with its relative paths made absolute. Pure.

Every file is brought to this form by itself, before anything is merged: so each path counts from the file that wrote
it, and merging needs to know long forms alone.
"""

from __future__ import annotations

from typing import Final

from conduit.compose.forms import Forms
from conduit.compose.nodes import Node, Problems
from conduit.compose.paths import absolute
from conduit.compose.service_forms import ServiceForms

_NAMED: Final = (
    "args aux_addresses configs depends_on driver_opts environment extra_hosts labels networks options secrets services"
    " sysctls ulimits volumes"
)
NAMED: Final = frozenset(_NAMED.split())
"""Mappings whose keys are names, so that one that begins with x- is no extension."""
SECTIONS: Final = ("networks", "volumes", "secrets", "configs")


class Canonical:
    """Reads one file; `directory` is absolute, `home` stands for ~."""

    def __init__(self, problems: Problems, directory: str, home: str | None) -> None:
        self.forms = Forms(problems)
        self._directory, self._home = directory, home
        self._services = ServiceForms(self.forms, self.path)

    def document(self, root: Node) -> Node:
        """Return a whole file, extensions left out."""
        root = _without_extensions(root)
        made: dict[str, Node | None] = {}
        if (services := root.get("services")) and isinstance(services.value, dict):
            made["services"] = services.holding({name: self._services.service(node) for name, node in services.items})
        for section in SECTIONS:
            if node := root.get(section):
                kept = self.forms.named(node)
                made[section] = kept.holding({name: self._shared(section, item) for name, item in kept.items})
        return root.with_members(made) if isinstance(root.value, dict) else root

    def _shared(self, section: str, node: Node) -> Node:
        """Return a network, volume, secret or config."""
        if not isinstance(node.value, dict):
            return node
        made: dict[str, Node | None] = {
            "labels": (found := node.get("labels")) and self.forms.entries(found, ""),
            "driver_opts": (found := node.get("driver_opts")) and self._driver_options(section, node, found),
            "file": (found := node.get("file")) and self.path(found),
        }
        said = {field: value for field, value in made.items() if value is not None}
        ipam = node.get("ipam")
        return node.with_members({**said, "ipam": ipam if ipam and ipam.value else None})

    def _driver_options(self, section: str, volume: Node, options: Node) -> Node:
        """Return a driver's options as texts; the device of a bind is a path."""
        texts = self.forms.entries(options)
        kind = texts.get("o")
        device = texts.get("device")
        if section == "volumes" and device and kind and {"bind", "rbind"} & set(str(kind.value).split(",")):
            return texts.with_members({"device": self.path(device)})
        return texts

    def path(self, node: Node) -> Node:
        """Return a path of the host as an absolute one."""
        if not isinstance(node.value, str):
            return node
        read = self.forms.short(node, lambda text: absolute(text, self._directory, self._home))
        return node.holding(read or node.value)


def _without_extensions(node: Node, named: bool = False) -> Node:
    """Return a tree without the keys that begin with x-."""
    if isinstance(node.value, list):
        return node.holding([_without_extensions(item) for item in node.value])
    kept = {
        key: _without_extensions(item, key in NAMED) for key, item in node.items if named or not key.startswith("x-")
    }
    return node.holding(kept) if isinstance(node.value, dict) else node
