"""The ownership marks of conduit in Caddy: the `@id` of each native part. Pure.

An `@id` reads `conduit.<kind>.<name>.<part>.<link>.<signature>`. `link` ties a route to the certificate entry it uses
and says whether the resource is protected; the signature covers all of it with the site key, so that an edited or
copied mark belongs to nobody. Caddy itself refuses the same `@id` twice.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, NamedTuple

from conduit.model import FRAME, Key

Sign = Callable[[Key, str, str], str]

PREFIX = "conduit."
FRAME_KEY = Key(FRAME, "caddy")
FALLBACK = "fallback"
"""The part of the frame that stands in each server as its last route: `https-fallback`, `http-fallback`."""
NO_LINK = "0"
_PROTECTED = "-protected"


class Mark(NamedTuple):
    """What an `@id` says: whose part this is, which one, and the certificate entry it goes with."""

    key: Key
    part: str
    link: str = NO_LINK
    protected: bool = False


def fallback_mark(part: str) -> Mark:
    """Return the mark of the last route of the server for `part`."""
    return Mark(FRAME_KEY, f"{part}-{FALLBACK}")


def write_mark(sign: Sign, mark: Mark) -> str:
    """Return the `@id` of a native part."""
    (kind, name), part, link, protected = mark
    link += _PROTECTED * protected
    return f"{PREFIX}{kind}.{name}.{part}.{link}.{sign(mark.key, part, link)}"


def read_mark(sign: Sign, value: Any) -> Mark | None:
    """Return the mark an `@id` carries, or None when it is not one of this site."""
    if not (isinstance(value, str) and value.startswith(PREFIX) and value.count(".") >= 5 and value.isascii()):
        return None
    body, part, link, signature = value.rsplit(".", 3)
    _, kind, name = body.split(".", 2)
    key = Key(kind, name)
    if not hmac.compare_digest(signature, sign(key, part, link)):
        return None
    if link.endswith(_PROTECTED):
        return Mark(key, part, link.removesuffix(_PROTECTED), protected=True)
    return Mark(key, part, link)
