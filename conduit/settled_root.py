"""A settled root: what is known of a declared resource that stands alone and had no difference. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Raw, Struct
from msgspec.json import Encoder

from conduit.model import Bucket, Key

encoded: Final = Encoder().encode
"""Turns the data of a manifest into JSON: equal data into equal JSON."""


class SettledRoot(Struct, frozen=True, array_like=True):
    """A root with its data as it was declared, in JSON, its leaves, and the buckets of their claims.

    It stands alone: these follow from the data and the settings, so another root with the same key and data has the
    same.
    """

    key: Key
    data: Raw
    leaves: tuple[Key, ...]
    buckets: tuple[Bucket, ...]

    def declares(self, data: Any) -> bool:
        """Tell whether a manifest that tells `data` declares the very same."""
        return bytes(self.data) == encoded(data)


NONE_SETTLED: Final[Mapping[Key, SettledRoot]] = MappingProxyType({})
