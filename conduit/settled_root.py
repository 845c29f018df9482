"""A settled root: what is known of a declared resource that stands alone and had no difference. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Raw, Struct
from msgspec.json import Encoder

from conduit.model import Key

_encode: Final = Encoder().encode


class SettledRoot(Struct, frozen=True, array_like=True):
    """A root with its data as it was declared, in JSON, its leaves, and the places of their claims.

    It stands alone: these follow from the data and the settings, so another root with the same key and data has the
    same.
    """

    key: Key
    data: Raw
    leaves: tuple[Key, ...]
    claims: tuple[str, ...]

    @classmethod
    def of(cls, key: Key, data: Any, leaves: tuple[Key, ...], claims: tuple[str, ...]) -> SettledRoot:
        """Return a root with data as a manifest tells it."""
        return cls(key, Raw(_encode(data)), leaves, claims)

    def declares(self, data: Any) -> bool:
        """Tell whether a manifest that tells `data` declares the very same."""
        return bytes(self.data) == _encode(data)


NONE_SETTLED: Final[Mapping[Key, SettledRoot]] = MappingProxyType({})
