"""Texts that may hold stored secrets: what of them is a secret is known without its value. Pure.

`conduit.model.revealed` fills the secrets in.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from conduit.compose.values import Text
from conduit.model import Secret

Hidden = Text | Secret | Annotated[tuple[Text | Secret, ...], Field(strict=False)]
"""A text, a secret, or both one after the other: `["postgres://app:", {secret: DB}, "@db/app"]`."""
