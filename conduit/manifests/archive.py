"""The manifests of past runs, kept by their hash in the state directory, so that a run can be undone without git."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from conduit.evidence import hash_of_tree
from conduit.manifests.tree import MAX_TREE_BYTES, ManifestFile, Tree
from conduit.providers.files import make_directory, read_regular, write_file

KEPT: Final = 50
"""Trees that are kept; the oldest go first."""
FAST: Final = 1
"""zlib's level: text shrinks to a quarter either way."""


class Archive:
    """Trees of manifests in one directory. Losing it loses `apply --undo` and nothing else."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def keep(self, digest: str, contents: Mapping[str, bytes]) -> None:
        """Keep a tree under the hash of all its files. Never fails: without it a run cannot be undone."""
        path = self._directory / digest
        with suppress(OSError):
            if path.exists():
                path.touch()
                return
            make_directory(self._directory)
            text = json.dumps({name: content.decode(errors="surrogateescape") for name, content in contents.items()})
            write_file(path, zlib.compress(text.encode(), FAST))
            found = sorted(self._directory.iterdir(), key=lambda each: each.stat().st_mtime_ns)
            for old in found[:-KEPT]:
                old.unlink(missing_ok=True)

    def tree(self, digest: str, base: Path) -> Tree | None:
        """Return a kept tree, whole and checked against its hash; None when it is not there."""
        try:
            packed = read_regular(self._directory / digest, MAX_TREE_BYTES)
            unpacked = zlib.decompressobj().decompress(packed, 2 * MAX_TREE_BYTES)
            texts: dict[str, str] = json.loads(unpacked)
        except (OSError, ValueError, zlib.error):
            return None
        contents = {name: text.encode(errors="surrogateescape") for name, text in texts.items()}
        files = sorted(ManifestFile(name, content, sha256(content).hexdigest()) for name, content in contents.items())
        return Tree(files, [], 0.0, base) if hash_of_tree(files) == digest else None
