"""What past runs read, kept by its hash in the state directory, so that a run can be undone without git."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from conduit.evidence import hash_of_contents
from conduit.manifests.tree import MAX_TREE_BYTES, ManifestFile, Tree
from conduit.providers.files import make_directory, read_regular, write_file
from conduit.providers.sealing import seal, unseal

KEPT: Final = 50
"""Lots of files that are kept; the oldest go first."""
FAST: Final = 1
"""zlib's level: text shrinks to a quarter either way."""


class Archive:
    """Lots of files in one directory. Losing it loses `apply --undo` and nothing else.

    `key` gives the key that seals them, for files that may hold secrets.
    """

    def __init__(self, directory: Path, key: Callable[[], bytes] | None = None) -> None:
        self._directory, self._key = directory, key

    def keep(self, digest: str, contents: Mapping[str, bytes]) -> None:
        """Keep files, by name, under the hash of them all; under any digest of them when they are sealed.

        Never fails: without it a run cannot be undone.
        """
        path = self._directory / digest
        with suppress(OSError):
            if path.exists():
                path.touch()
                return
            make_directory(self._directory)
            write_file(path, self._packed(digest, contents))
            found = sorted(self._directory.iterdir(), key=lambda each: each.stat().st_mtime_ns)
            for old in found[:-KEPT]:
                old.unlink(missing_ok=True)

    def contents(self, digest: str) -> dict[str, bytes] | None:
        """Return kept files by name, whole and checked against their hash, or by their seal; None when not there."""
        try:
            packed = read_regular(self._directory / digest, MAX_TREE_BYTES)
            opened = unseal(self._key(), packed, digest.encode()) if self._key else packed
            texts: dict[str, str] = json.loads(zlib.decompressobj().decompress(opened, 2 * MAX_TREE_BYTES))
        except (OSError, ValueError, zlib.error):
            return None
        contents = {name: text.encode(errors="surrogateescape") for name, text in texts.items()}
        return contents if self._key or hash_of_contents(contents) == digest else None

    def _packed(self, digest: str, contents: Mapping[str, bytes]) -> bytes:
        text = json.dumps({name: content.decode(errors="surrogateescape") for name, content in contents.items()})
        packed = zlib.compress(text.encode(), FAST)
        return seal(self._key(), packed, digest.encode()) if self._key else packed


def tree_of(contents: Mapping[str, bytes], root: Path, base: Path) -> Tree:
    """Return manifests that were kept as a tree.

    Their names led below `root` from where they counted then: `base`, or where conduit was called.
    """
    files = sorted(ManifestFile(name, content, sha256(content).hexdigest()) for name, content in contents.items())
    places = (
        place
        for place in (base, *reversed(root.parents))
        if all((place / name).is_relative_to(root) for name in contents)
    )
    return Tree(files, [], 0.0, next(places, base))
