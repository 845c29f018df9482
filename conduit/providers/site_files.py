"""The files that declarations name, read for one run; each is told as evidence of what the run saw."""

from __future__ import annotations

import os
from pathlib import Path

from conduit.evidence import Evidence, of_bytes, of_inode
from conduit.providers.files import read_regular


class SiteFiles:
    """Reads files for one run and remembers what it saw; `contents` is all it read, by path."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self._seen: dict[str, Evidence] = {}
        self._whole = True

    def read(self, path: Path, limit: int) -> bytes:
        """Return a plain file of at most `limit` bytes. Raises OSError."""
        try:
            content = read_regular(path, limit)
        except FileNotFoundError:
            self._seen[str(path)] = of_bytes(path, None)
            raise
        except OSError:
            self._whole = False
            raise
        self._seen[str(path)] = of_bytes(path, content)
        self.contents[str(path)] = content
        return content

    def resolved(self, path: str) -> str:
        """Return a path with its symbolic links followed; one that is not there keeps its missing parts.

        A link that this user may not follow, as those of other processes in /proc, is where it ends.
        """
        self._seen[f"link {path}"] = of_inode(Path(path))
        try:
            found = os.path.realpath(path)
        except OSError as error:
            self._whole = False
            return str(error.filename)
        self._whole = self._whole and found == os.path.normpath(path)
        return found

    def context(self, directory: Path, dockerfile: str) -> str:
        """Return the hash of what an image is built from. Raises OSError, ValueError."""
        from conduit.providers.docker_context import hash_of

        subject = f"{directory}\0{dockerfile}"
        try:
            found = hash_of(directory, dockerfile)
        except (OSError, ValueError):
            self._whole = False
            raise
        self._seen[f"context {subject}"] = Evidence("context", subject, found)
        return found

    def evidence(self) -> tuple[Evidence, ...] | None:
        """Return what was read, None when that cannot be looked at again in a moment."""
        return tuple(self._seen.values()) if self._whole else None
