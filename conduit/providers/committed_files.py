"""The files that declarations name, as a commit has them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from conduit.providers.git import Git
from conduit.providers.site_files import SiteFiles


class CommittedFiles(SiteFiles):
    """Reads files as a commit has them; one that it does not have, such as a secret, is read as it lies there."""

    def __init__(self, git: Git, commit: str) -> None:
        super().__init__()
        self._git, self._commit = git, commit

    def read(self, path: Path, limit: int) -> bytes:
        """Return a plain file of at most `limit` bytes. Raises OSError, `ConduitError`."""
        inside = os.path.relpath(os.path.realpath(path.parent), self._git.work_tree)
        content = None if inside.startswith("..") else self._git.content(self._commit, f"{inside}/{path.name}")
        if content is None:
            return super().read(path, limit)
        self._whole = False
        if len(content) > limit:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        self.contents[str(path)] = content
        return content
