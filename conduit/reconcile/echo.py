"""What this process has just made true itself: its own edit wakes the loop once more, as a file and as a commit."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from conduit.engine import Engine
from conduit.evidence import hash_of_tree
from conduit.manifests.git import head_commit
from conduit.reconcile.suspension import suspension_sign

ECHOES: Final = frozenset(("files", "sign"))
"""The triggers that an edit of our own causes."""


class Signs(Struct, frozen=True):
    """All that these triggers can tell of: the manifests by their hash, the commit, and whether it is suspended."""

    manifests: str
    commit: str
    suspended: str


def signs(engine: Engine, manifests: str) -> Signs:
    """Return what is there now beside manifests of this hash."""
    root = engine.settings.path(engine.settings.desired).resolve()
    return Signs(manifests, head_commit(root), suspension_sign(engine.state))


def signs_now(engine: Engine) -> Signs:
    """Return what is there now. Raises `LoadError` when the manifests cannot be read."""
    return signs(engine, hash_of_tree(engine.tree().files))
