"""What the service tests share: declared services and a look that resolves names from a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conduit.model import Key, Source
from conduit.resources import load_kinds
from conduit.settings import Settings
from conduit.spec import Resource
from conduit.upstreams import rules_of

KINDS = load_kinds()


class Table:
    """A look over no other declaration, whose names have the given addresses; it counts what it was asked."""

    def __init__(
        self, names: Mapping[str, Sequence[str]] | None = None, site: Settings | None = None, **settings: Any
    ) -> None:
        self.settings = site or Settings.model_validate({"proxy_address": "10.9.9.9"} | settings)
        self.rules = rules_of(self.settings)
        self.names = names or {}
        self.asked: list[str] = []
        self.doubts: dict[Key, Any] = {}

    def __call__(self, key: Key) -> None:
        return None

    def resolve(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        if name not in self.names:
            raise OSError("Name or service not known")
        return self.names[name]


def declared(name: str = "wiki", **fields: Any) -> Resource[Any]:
    """Return a service as a manifest declares it."""
    spec = KINDS["service"].spec.model_validate(fields)
    return Resource(Key("service", name), spec, Source("desired/a.yaml", 7, 3))


def leaves(resource: Resource[Any], look: Table | None = None) -> dict[str, Resource[Any]]:
    """Expand a service; returns its leaves by key text."""
    return {str(leaf.key): leaf for leaf in KINDS["service"].expand(resource, look or Table())}
