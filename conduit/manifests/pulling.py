"""Pulling manifests from a git remote: forward only, and only what an allowed signer signed."""

from __future__ import annotations

from pathlib import Path

from conduit.manifests.git import head_commit, work_tree
from conduit.providers.git import Git
from conduit.providers.git_remote import fetch, require_signed
from conduit.settings import Pull


def pull(root: Path, rules: Pull, signers: Path | None) -> str:
    """Check out what the remote has beyond the commit that is checked out; return its id, "" when there is nothing.

    Raises ConduitError when the remote cannot be read, is not ahead, or is not signed as asked; then nothing changed.
    """
    place = work_tree(root.resolve())
    if place is None:
        return ""
    git = Git(place)
    fetch(place, rules.remote, rules.branch)
    tip = git.resolve(_followed(rules))
    if not git.is_ahead(tip, head_commit(place)):
        return ""
    if signers:
        require_signed(place, tip, signers)
    git.advance(tip)
    return tip


def behind(root: Path, rules: Pull) -> int:
    """Return how many commits of the remote, as it was fetched last, are not checked out. Raises ConduitError."""
    place = work_tree(root.resolve())
    return Git(place).missing(_followed(rules)) if place else 0


def _followed(rules: Pull) -> str:
    return f"refs/remotes/{rules.remote}/{rules.branch}"
