"""The labels by which conduit knows its own objects in Docker.

A copied label does not make a foreign object ours: the mark is keyed, and covers the key and the object's own name.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Annotated, Final

from conduit.model import Key
from conduit.validators import After

PREFIX: Final = "io.conduit."
SITE: Final = f"{PREFIX}site"
KEY: Final = f"{PREFIX}key"
MARK: Final = f"{PREFIX}mark"
PROTECT: Final = f"{PREFIX}protect"
MADE: Final = f"{PREFIX}made"
"""When a container was made, in seconds since the epoch; its mark covers this instead of its name."""
WISH: Final = f"{PREFIX}wish"
"""What was asked for of an object and Docker does not tell from what there is."""
COMPOSE: Final = "com.docker.compose."
"""Labels that docker compose and other tools go by."""
RESERVED: Final = (PREFIX, COMPOSE)
"""What no declared label may begin with."""

SECONDS_TO_MAKE: Final = 10
"""How long Docker may take to note down a container that it was asked for."""


def _not_reserved(labels: dict[str, str]) -> dict[str, str]:
    for name, text in labels.items():
        if not name or name.startswith(RESERVED):
            raise ValueError(f"labels beginning with {' or '.join(RESERVED)} are written by conduit alone")
        if any(ord(character) < 32 or ord(character) == 127 for character in name) or "\0" in text:
            raise ValueError("control characters are refused")
    return dict(sorted(labels.items()))


Labels = Annotated[dict[str, str], After(_not_reserved)]
"""Labels an operator may declare."""


class Marks:
    """Signs and recognises labels of one site."""

    def __init__(self, site: str, sign: Callable[[Key, str, str], str]) -> None:
        self.site, self._sign = site, sign

    def labels(self, key: Key, name: str, protect: bool) -> dict[str, str]:
        """Return the labels that make the object `name` ours."""
        own = {SITE: self.site, KEY: str(key), MARK: self._sign(key, key.kind, name)}
        return own | ({PROTECT: "true"} if protect else {})

    def key(self, kind: str, name: str, labels: Mapping[str, str] | None) -> Key | None:
        """Return the key of an object that carries our mark; None for any other, however it is labelled."""
        labels = labels or {}
        try:
            key = Key.parse(labels.get(KEY, ""))
        except ValueError:
            return None
        ours = labels.get(SITE) == self.site and key.kind == kind
        signed = ours and hmac.compare_digest(labels.get(MARK, "").encode(), self._sign(key, kind, name).encode())
        return key if signed else None

    def container_labels(self, key: Key, made: float, protect: bool) -> dict[str, str]:
        """Return the labels that make a container ours, which is made now.

        A person may rename a container, and it stays ours; so its mark covers the time at which it was made.
        """
        text = f"{made:.3f}"
        return self.labels(key, text, protect) | {MADE: text}

    def container_key(self, labels: Mapping[str, str] | None, created: float) -> Key | None:
        """Return the key of a container that carries our mark and was made when the mark says so.

        Labels that are copied onto another container come too late, unless within seconds: then the older one is ours.
        """
        made = (labels or {}).get(MADE, "")
        key = self.key("container", made, labels)
        return key if key and -1 <= created - float(made) <= SECONDS_TO_MAKE else None


def declared(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Return the labels an operator may have declared, without ours and those of Compose."""
    return {name: text for name, text in sorted((labels or {}).items()) if not name.startswith(RESERVED)}


def compose_labels(project: str | None, **parts: str) -> dict[str, str]:
    """Return the labels by which compose and other tools group objects; `parts` are such as service or volume."""
    if project is None:
        return {}
    return {f"{COMPOSE}project": project} | {f"{COMPOSE}{part.replace('_', '-')}": text for part, text in parts.items()}


def part_of(labels: Mapping[str, str] | None, part: str) -> str | None:
    """Return what one of the labels of `compose_labels` says, None without it."""
    return (labels or {}).get(f"{COMPOSE}{part.replace('_', '-')}")
