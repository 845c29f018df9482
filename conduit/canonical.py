"""The one text form of JSON-like data: for digests, and to compare a native form with a stored one. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Set
from typing import Any

from msgspec import Struct
from msgspec.json import Encoder
from msgspec.structs import asdict

from conduit.model import UNRESOLVED, Late, Ref, Secret


def _plain(value: Any) -> Any:
    """Return what JSON can hold for a value it cannot; what is not known yet never equals a plain text."""
    from conduit.spec import Spec

    match value:
        case Ref(value=known):
            return Late(value.key, value.fact) if known is UNRESOLVED else known
        case Late():
            return {"$late": value.key, "fact": value.fact}
        case Secret(name=name):
            return {"$secret": name}
        case Spec():
            return dict(value)
        case Mapping():
            return dict(value)
        case Struct():
            return asdict(value)
        case Set():
            return sorted(value, key=canonical)
    return str(value)


_encode = Encoder(order="sorted", enc_hook=_plain).encode
_escape = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False, default=_plain).encode


def canonical(value: Any) -> str:
    """Return JSON-like data as ASCII text that is equal for equal data: sorted keys, tuples as lists, no white space.

    A resolved `Ref` counts as its value, a `Secret` as its name (never its value), a set as its sorted members.
    """
    return _canonical(value).decode("ascii")


def digest_of(value: Any) -> str:
    """Return the SHA-256 of the canonical text in hex."""
    return hashlib.sha256(_canonical(value)).hexdigest()


def _canonical(value: Any) -> bytes:
    try:
        found = _encode(value)
        if found.isascii():
            return found
    except (UnicodeError, TypeError):  # half a character, or keys that are no text
        pass
    return _escape(value).encode()  # rare, and ten times as slow
