"""What a process that goes on remembers between its passes; one for all engines of a site.

A wish is taken again when all it was made from is the same: the manifests by their hash, and what was looked up for it
by another look. What is live is never remembered.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from conduit.evidence import hash_of_tree
from conduit.manifests.known import Known
from conduit.manifests.tree import Tree
from conduit.measures import instant
from conduit.second_look import same_again
from conduit.wish import Wish

WISHES: Final = 2
"""The wish that is in force, and the one of an edit that is being made."""


class _Made(Struct, frozen=True):
    """A wish, when it was made, and whether of a commit: then files that manifests name are read from it too."""

    wish: Wish
    at: float
    committed: bool


class Recall:
    """The manifests as they were read, and the last wishes. Safe to use from threads."""

    def __init__(self) -> None:
        self.known = Known()
        self._made: tuple[_Made, ...] = ()

    def wish(self, tree: Tree, now: float) -> Wish | None:
        """Return what the manifests of a tree stand for at `now` (epoch seconds), None when that has to be made."""
        digest = hash_of_tree(tree.files)
        for made in self._made:
            same = made.wish.manifests.digest == digest and made.committed == bool(tree.commit)
            if same and not tree.problems and _holds(made, now):
                return made.wish
        return None

    def keep(self, tree: Tree, wish: Wish, now: float) -> None:
        """Remember a wish that was made of a tree at `now` (epoch seconds)."""
        self._made = (_Made(wish, now, bool(tree.commit)), *self._made)[:WISHES]


def _holds(made: _Made, now: float) -> bool:
    """Tell whether a wish would be made the same again: names and files are looked at anew, and no date has passed."""
    evidence = made.wish.evidence
    if evidence is None:
        return False
    ends = [instant(each.until) for root in made.wish.desired.unsettled() for each in root.ignore if each.until]
    passed = any((made.at < end) != (now < end) for end in ends)
    return not passed and same_again(evidence[1:])
