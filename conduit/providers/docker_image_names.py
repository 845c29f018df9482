"""The names by which conduit knows its images.

A fetched image cannot be labelled. So each of ours has a name of its own beside the one it came by, and that name is
the mark: `conduit.internal/<site>:<name>.<version>.<wish>.<mark>`. It stays with the image that runs when another one
takes over the name it came by, and it is worth nothing on any other image, because the mark covers the image's id.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from itertools import product
from typing import Final

from msgspec import Struct

from conduit.model import Key
from conduit.patterns import pattern

KIND: Final = "image"
REGISTRY: Final = "conduit.internal"
"""No registry has this name: .internal is for private use."""
TAG: Final = pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
"""What Docker takes for a tag."""


class Named(Struct, frozen=True):
    """What a name of ours says: whose it is, what was asked for, and whether the image is protected.

    `gave` tells that conduit gave the image the name it was asked for by as well, by fetching or building it; `version`
    is the tag of that name, empty when it is too long for ours.
    """

    key: Key
    wish: str
    protected: bool
    gave: bool
    version: str = ""


class Names:
    """Makes and recognises the names of one site's images."""

    def __init__(self, site: str, sign: Callable[[Key, str, str], str]) -> None:
        self.repository = f"{REGISTRY}/{site.strip('-') or 'site'}"
        self._sign = sign

    def tag(self, named: Named, image: str) -> str:
        """Return the tag that makes the image of an id ours. Raises ValueError when the key is too long for one."""
        end = f"{named.wish}.{self._mark(named, image)}"
        tags = [f"{named.key.name}.{named.version}.{end}", f"{named.key.name}.{end}"]
        found = next((tag for tag in tags[not named.version :] if TAG.fullmatch(tag)), None)
        if found is None:
            raise ValueError(f"{named.key} cannot be part of an image's name")
        return found

    def read(self, name: str, image: str) -> Named | None:
        """Return what a name of an image says when it is ours."""
        repository, _, tag = name.rpartition(":")
        words = tag.split(".")
        if repository != self.repository or len(words) < 3:
            return None
        *head, wish, mark = words
        for count, protected, gave in product(range(len(head), 0, -1), (False, True), (False, True)):
            key, version = Key(KIND, ".".join(head[:count])), ".".join(head[count:])
            named = Named(key, wish, protected, gave, version)
            if hmac.compare_digest(mark.encode(), self._mark(named, image).encode()):
                return named
        return None

    def _mark(self, named: Named, image: str) -> str:
        words = ("protected" if named.protected else "", "named" if named.gave else "", KIND)
        return self._sign(named.key, " ".join(filter(None, words)), f"{named.wish} {image}")
