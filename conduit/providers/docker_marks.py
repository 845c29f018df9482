"""The labels by which conduit knows its own objects in Docker.

A copied label does not make a foreign object ours: the mark is keyed, and covers the key and the object's own name.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Final

from conduit.model import Key

PREFIX: Final = "io.conduit."
SITE: Final = f"{PREFIX}site"
KEY: Final = f"{PREFIX}key"
MARK: Final = f"{PREFIX}mark"
PROTECT: Final = f"{PREFIX}protect"
COMPOSE: Final = "com.docker.compose."
"""Labels that docker compose and other tools go by."""
RESERVED: Final = (PREFIX, COMPOSE)
"""What no declared label may begin with."""


class Marks:
    """Signs and recognises labels of one site."""

    def __init__(self, site: str, sign: Callable[[Key, str, str], str]) -> None:
        self._site, self._sign = site, sign

    def labels(self, key: Key, name: str, protect: bool) -> dict[str, str]:
        """Return the labels that make the object `name` ours."""
        own = {SITE: self._site, KEY: str(key), MARK: self._sign(key, key.kind, name)}
        return own | ({PROTECT: "true"} if protect else {})

    def key(self, kind: str, name: str, labels: Mapping[str, str] | None) -> Key | None:
        """Return the key of an object that carries our mark; None for any other, however it is labelled."""
        labels = labels or {}
        try:
            key = Key.parse(labels.get(KEY, ""))
        except ValueError:
            return None
        ours = labels.get(SITE) == self._site and key.kind == kind
        signed = ours and hmac.compare_digest(labels.get(MARK, "").encode(), self._sign(key, kind, name).encode())
        return key if signed else None


def declared(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Return the labels an operator may have declared, without ours and those of Compose."""
    return {name: text for name, text in sorted((labels or {}).items()) if not name.startswith(RESERVED)}


def compose_labels(project: str | None, **parts: str) -> dict[str, str]:
    """Return the labels by which compose and other tools group objects; `parts` are such as service or volume."""
    if project is None:
        return {}
    return {f"{COMPOSE}project": project} | {f"{COMPOSE}{part.replace('_', '-')}": text for part, text in parts.items()}
