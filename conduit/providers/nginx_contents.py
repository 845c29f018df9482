"""What conduit's nginx file says, once it is read. Pure."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Final

from msgspec import Struct

from conduit.providers.nginx_layout import ASKED_NOTHING, Asked
from conduit.providers.nginx_scan import Fragment, Piece, Placed


class Entry(Struct):
    """One of our blocks: its native form without passwords, where it stands, and the file of its passwords."""

    native: dict[str, Any]
    place: str
    protected: bool
    pieces: list[Piece]
    """The pieces that hold it, in order."""
    users_file: str = ""
    fragments: dict[str, Fragment] = {}
    """By part, as they stand in the file."""


class Contents(Struct, frozen=True):
    """What the file says: our blocks by resource, the frame's lines, and places that follow from neither."""

    owned: dict[str, Entry] = {}
    frame_lines: list[str] = []
    unknown: list[str] = []
    pieces: list[Placed] = []
    """All that stands behind the frame, in order."""
    asked: Asked = ASKED_NOTHING
    """The servers that our blocks ask for."""

    def frame(self) -> dict[str, list[str]]:
        """Return the frame as data; `unknown` holds what only a hand can have written, so the wish has none."""
        return {"lines": self.frame_lines, "unknown": self.unknown}

    def vhost_at(self, number: int) -> str | None:
        """Return the vhost that a line of the file is of, None for one of the frame or of a server itself."""
        before = bisect_right(self.pieces, number, key=lambda placed: placed[0])
        for start, piece in self.pieces[before - 1 : before]:
            for fragment in piece.fragments:
                if 0 <= number - start - fragment.number <= len(fragment.lines) + 1:
                    return fragment.place.name
        return None


NOTHING: Final = Contents()
