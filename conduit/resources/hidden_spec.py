"""Texts that may hold stored secrets: what of them is a secret is known without its value. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from conduit.compose.values import Text
from conduit.model import Secret

Hidden = Text | Secret | Annotated[tuple[Text | Secret, ...], Field(strict=False)]
"""A text, a secret, or both one after the other: `["postgres://app:", {secret: DB}, "@db/app"]`."""


def revealed(value: Hidden, secret: Callable[[str], str]) -> str:
    """Return the text with its secrets filled in; `secret` reads a stored one by its name."""
    parts = value if isinstance(value, tuple) else (value,)
    return "".join(secret(part.name) if isinstance(part, Secret) else part for part in parts)
