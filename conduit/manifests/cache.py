"""The parse cache: the outline of every manifest, or of each of its pieces, by the hash of its bytes, in one file.

One file, because reading ten thousand small ones would cost more than parsing. It carries its own checksum: a damaged,
foreign or missing cache costs time and nothing else. It is written only when the set of manifests changed. Each
manifest or piece has a line, its digest and its outline as JSON, so that only those that are asked for are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import json

from conduit import __version__
from conduit.aside import aside
from conduit.dialect.document import read
from conduit.errors import LoadError
from conduit.manifests.entries import Outline, Section, outline
from conduit.manifests.pieces import Piece, cut, joined
from conduit.manifests.places import Places
from conduit.manifests.tree import ManifestFile
from conduit.providers.files import read_regular, write_cache

FORMAT: Final = 5
"""Raise it whenever the dialect, the outline or the layout below changes what a file loads as."""

MANY: Final = 32
"""From so many new pieces on it is quicker to read them with two processors."""
MAX_BYTES: Final = 512 * 2**20
KEPT: Final = json.Decoder(tuple[int, list[Section]])
HEADER: Final = f"conduit manifests {FORMAT} {__version__} "


class ParseCache:
    """Outlines of manifests, kept in `directory`; None keeps nothing."""

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / "manifests.json" if directory else None
        self._kept: dict[str, bytes] = _read(self._path) if self._path else {}
        self._told: dict[str, bytes] = {}
        self._used: dict[str, bytes] = {}

    def outline(self, file: ManifestFile, places: Places) -> Outline:
        """Return the outline of a file, and tell `places` what the file is made of.

        One with problems is not kept. Raises `LoadError` when nothing of the file can be read.
        """
        if self._path and file.digest not in self._kept and (pieces := cut(file.content)):
            found = joined(pieces, self._pieces(file.name, pieces))
            if found:
                places.pieces[file.name] = pieces
                return found
        return self._outline(file.digest, file.name, file.content)

    def _pieces(self, file: str, pieces: Sequence[Piece]) -> list[Outline]:
        """Return the outlines of pieces; when many of them are new, a copy of this process reads the second half."""
        half = len(pieces) // 2
        new = sum(piece.digest not in self._kept for piece in pieces[half:])
        told = aside(partial(self._lines_of, file, pieces[half:])) if new >= MANY else None
        front = [self._piece(file, piece) for piece in pieces[:half]]
        self._told = _outlines(told()) if told else {}
        return [*front, *(self._piece(file, piece) for piece in pieces[half:])]

    def _lines_of(self, file: str, pieces: Iterable[Piece]) -> bytes:
        """Return the lines that keep pieces, in a copy that keeps nothing else."""
        self._used = {}
        for piece in pieces:
            self._piece(file, piece)
        return self._lines()

    def _piece(self, file: str, piece: Piece) -> Outline:
        """Return the outline of a piece by its own lines, one without sections when it cannot be read."""
        try:
            return self._outline(piece.digest, file, piece.content)
        except LoadError:
            return Outline([], torn=True)

    def _outline(self, digest: str, file: str, content: bytes) -> Outline:
        """Return what is kept of these bytes, else read them: what else a document tells is seldom asked for."""
        kept = self._kept.get(digest) or self._told.get(digest)
        if kept is None:
            found = outline(read(file, content))
            if not found.problems:
                self._used[digest] = json.encode((found.values, found.sections)) if self._path else b""
            return found
        self._used[digest] = kept
        values, sections = KEPT.decode(kept)
        return Outline(sections, values=values)

    def _lines(self) -> bytes:
        return b"".join(b"%s %s\n" % (digest.encode(), kept) for digest, kept in self._used.items())

    def save(self) -> None:
        """Keep what this load used, and drop the rest. Never fails: without a cache the next load is slower."""
        if self._path is None or self._used.keys() == self._kept.keys():
            return
        body = self._lines()
        with suppress(OSError):
            write_cache(self._path, f"{HEADER}{sha256(body).hexdigest()}\n".encode() + body)


def _read(path: Path) -> dict[str, bytes]:
    try:
        head, _, body = read_regular(path, MAX_BYTES).partition(b"\n")
    except OSError:
        return {}
    if head.decode("ascii", "replace") != HEADER + sha256(body).hexdigest():
        return {}
    return _outlines(body)


def _outlines(body: bytes) -> dict[str, bytes]:
    lines = (line.partition(b" ") for line in body.split(b"\n")[:-1])
    return {digest.decode(): kept for digest, _, kept in lines}
