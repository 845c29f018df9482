"""A look at all that is declared in self.db, and what of it a plan depends on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from conduit.evidence import GONE
from conduit.providers.self_objects import FIELDS, SORTS, Declared, identity_of
from conduit.providers.self_reader import SelfReader
from conduit.providers.self_rows import User

Rows = Mapping[str, Sequence[Declared]]


def look(store: SelfReader) -> Rows:
    """Return the rows of each kind, all of one moment. Raises `Unreadable`."""
    with store.reading() as tables:
        return {kind: tables.rows(sort) for kind, sort in SORTS.items()} if tables else {}


def version_of(rows: Rows) -> str:
    """Return the hash of what a plan depends on; logging in does not change it, nor does a password of one's own."""
    if not rows:
        return GONE
    told = [[kind, *map(_told, found)] for kind, found in rows.items()]
    return sha256(json.dumps(told).encode()).hexdigest()


def _told(row: Declared) -> list[Any]:
    told = [identity_of(row), row.name, row.mark, *(getattr(row, field) for field in FIELDS[type(row)])]
    return [*told, row.password_secret, row.password_hash] if isinstance(row, User) and row.password_secret else told
