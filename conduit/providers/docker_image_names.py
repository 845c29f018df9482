"""The names by which conduit knows its images.

A fetched image cannot be labelled. So each of ours has a name of its own beside the one it came by, and that name is
the mark: `conduit.internal/<site>:<name>.<wish>.<mark>`. It stays with the image that runs when another one takes over
the name it came by, and it is worth nothing on any other image, because the mark covers the image's id.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from itertools import product
from typing import Final, NamedTuple

from conduit.model import Key

KIND: Final = "image"
TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
"""What Docker takes for a tag."""


class Named(NamedTuple):
    """What a name of ours says: whose it is, what was asked for, and whether the image is protected.

    `gave` tells that conduit gave the image the name it was asked for by as well, by fetching or building it.
    """

    key: Key
    wish: str
    protected: bool
    gave: bool


class Names:
    """Makes and recognises the names of one site's images."""

    def __init__(self, site: str, sign: Callable[[Key, str, str], str]) -> None:
        self.repository = f"conduit.internal/{site.strip('-') or 'site'}"
        self._sign = sign

    def tag(self, named: Named, image: str) -> str:
        """Return the tag that makes the image of an id ours. Raises ValueError when the key is too long for one."""
        tag = f"{named.key.name}.{named.wish}.{self._mark(named, image)}"
        if not TAG.fullmatch(tag):
            raise ValueError(f"{named.key} cannot be part of an image's name")
        return tag

    def read(self, name: str, image: str) -> Named | None:
        """Return what a name of an image says when it is ours."""
        repository, _, tag = name.rpartition(":")
        words = tag.rsplit(".", 2)
        if repository != self.repository or len(words) != 3:
            return None
        key, wish, mark = Key(KIND, words[0]), words[1], words[2].encode()
        possible = (Named(key, wish, protected, gave) for protected, gave in product((False, True), repeat=2))
        return next((each for each in possible if hmac.compare_digest(mark, self._mark(each, image).encode())), None)

    def _mark(self, named: Named, image: str) -> str:
        words = ("protected" if named.protected else "", "named" if named.gave else "", KIND)
        return self._sign(named.key, " ".join(filter(None, words)), f"{named.wish} {image}")
