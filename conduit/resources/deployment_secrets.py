"""Stored secrets among an application's variables: a token stands for each while the application is read.

So no reader of Compose files ever holds a value, and where a token ends up tells where its secret would: only a
container's environment and its files may hold one.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any

from conduit.compose.load import Loaded
from conduit.errors import Code, Diagnostic
from conduit.look import Look
from conduit.model import Secret
from conduit.resources.hidden_spec import Hidden

MISPLACED = Code(
    "CND-1543",
    "a secret in a place that everyone can read",
    "Whoever may list containers reads their commands, labels, names and images, so a secret is refused there. It may "
    "be the value, or a part of it, of a variable under `environment`, or the content of a secret or config. Let the "
    "program in the container read it from there.",
)


class Tokens:
    """The tokens of one load; nobody can guess one, so that no file can hold it."""

    def __init__(self) -> None:
        self._nonce = secrets.token_hex(16)
        self._secrets: list[Secret] = []
        self._token = re.compile(rf"\[secret {self._nonce} (\d+)\]", re.ASCII)

    def token(self, secret: Secret) -> str:
        """Return the text that stands for a secret."""
        self._secrets.append(secret)
        return f"[secret {self._nonce} {len(self._secrets) - 1}]"

    def hidden(self, text: str) -> Hidden:
        """Return a text with its tokens as the secrets they stand for."""
        if self._nonce not in text:
            return text
        parts = [self._secrets[int(part)] if at % 2 else part for at, part in enumerate(self._token.split(text))]
        kept = tuple(part for part in parts if part != "")
        return kept[0] if len(kept) == 1 else kept

    def misplaced(self, loaded: Loaded) -> Iterator[Diagnostic]:
        """Yield each place of an application, but for those that may, where a secret would end up."""
        for path, text in _texts(loaded.application.model_dump()):
            may = (path[2:3] == ("environment",) and len(path) == 4) or path[2:] == ("content",)
            if self._nonce in text and not may:
                summary = f"{'.'.join(map(str, path))} would show a secret"
                yield Diagnostic(MISPLACED, summary, loaded.source(path), "hand it over under environment: or secrets:")


def tokens_of(_look: Look) -> Tokens:
    """Return new tokens; to be asked for `once`."""
    return Tokens()


def _texts(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every text in plain data with its path; a key counts as a text of its mapping."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield path, str(key)
            yield from _texts(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _texts(item, (*path, index))
