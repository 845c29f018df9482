"""The files that declarations name, as an earlier run read them."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from conduit.evidence import Evidence
from conduit.providers.site_files import SiteFiles


class KeptFiles(SiteFiles):
    """Reads files from what an earlier run read; one that it did not read was not there."""

    def __init__(self, kept: Mapping[str, bytes]) -> None:
        super().__init__()
        self._kept = kept

    def read(self, path: Path, limit: int) -> bytes:
        """Return a file as it was. Raises OSError."""
        content = self._kept.get(str(path))
        if content is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        self.contents[str(path)] = content
        return content

    def evidence(self) -> tuple[Evidence, ...] | None:
        """Return None: what was then cannot be looked at again."""
        return None
