"""Positions inside manifests, found by reading a file, or a piece of it, again only when someone asks.

An unchanged site needs the place of each name and of nothing below it; keeping the place of each node would cost more
than everything else in the cache.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from conduit.dialect.complaints import Complaint
from conduit.dialect.document import Document, read
from conduit.dialect.model_types import FieldPath
from conduit.dialect.text import SourceText, decode
from conduit.errors import Code, Diagnostic
from conduit.manifests.pieces import Piece
from conduit.model import Source


class Name(Struct, frozen=True):
    """A declared name: where it stands, its section and itself."""

    source: Source
    plural: str
    name: str


class Places:
    """Finds places in the files of one load by their bytes as they were read."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self.contents = contents
        self.pieces: dict[str, Sequence[Piece]] = {}
        """What those files are made of that are known to consist of pieces."""
        self._documents: dict[tuple[str, int], Document] = {}
        self._texts: dict[str, SourceText] = {}

    def locate(self, name: Name, path: str) -> Source:
        """Return where the value at a dotted path below a name stands, or its deepest part that exists."""
        document = self.around(name)
        at = document.follow(document.find((name.plural, name.name)), path)
        return Source(name.source.file, *document.place(at))

    def at(self, code: Code, summary: str, source: Source, hint: str, *related: tuple[str, Source]) -> Diagnostic:
        """Return a diagnostic for a known place."""
        if source.file not in self._texts:
            self._texts[source.file] = decode(source.file, self.contents[source.file])
        return self._texts[source.file].problem(code, summary, source.line, source.column, hint, related)

    def lined(self, problem: Diagnostic) -> Diagnostic:
        """Return a problem with the line it points at, when that is in one of the files."""
        source = problem.source
        if problem.line or source is None or source.file not in self.contents:
            return problem
        shown = self.at(problem.code, problem.summary, source, problem.hint).line
        return replace(problem, line=shown)

    def tell(self, complaint: Complaint, name: Name, severity: str = "error") -> Diagnostic:
        """Return the diagnostic of a complaint about a name's data."""
        told = tell(self.around(name), complaint, (name.plural, name.name), severity)
        return replace(told, field=".".join(map(str, complaint.path)))

    def document(self, file: str) -> Document:
        """Return a file as far as it can be read, kept for the next question. Raises `LoadError` as `read` does."""
        return self._read(file, self.contents[file], 0)

    def around(self, name: Name) -> Document:
        """Return the smallest part of a file that reads by itself and holds a declared name, with its places there."""
        file = name.source.file
        pieces = self.pieces.get(file)
        if not pieces:
            return self.document(file)
        piece = pieces[bisect_right(pieces, name.source.line, key=_line) - 1]
        document = self._read(file, piece.content, piece.line)
        return replace(document, source=SourceText(file, document.source.text, piece.first))

    def _read(self, file: str, content: bytes, line: int) -> Document:
        if (file, line) not in self._documents:
            self._documents[file, line] = read(file, content)
        return self._documents[file, line]


def _line(piece: Piece) -> int:
    return piece.line


def tell(document: Document, complaint: Complaint, below: FieldPath = (), severity: str = "error") -> Diagnostic:
    """Return the diagnostic of a complaint about the data at the path `below` in a document."""
    path = (*below, *complaint.path)
    index = document.find(path)
    has_key = bool(path) and isinstance(path[-1], str)
    place = document.place(index - 1 if complaint.at_key and has_key else index)
    told = document.source.problem(complaint.code, complaint.summary, *place, complaint.hint, severity=severity)
    return replace(told, line="") if complaint.private else told
