"""Where self.db lies. Apart from what reads it, so that a site without users pays for none of that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from conduit.settings import Settings

FILE: Final = "self.db"


def place_of(settings: Settings) -> Path:
    """Return the path of a site's self.db, beside its keys; it appears with the first user."""
    return settings.path(settings.keys_dir) / FILE
